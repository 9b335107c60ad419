import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessCluster } from '@zkl/cli/cluster';
import type { Random } from '../workload/random.js';

/** Milliseconds that a server is stopped for, or stays dead. */
const OUTAGE_MS_MAX = 3_000;

/** One kind of fault: does it, waits, and undoes it. Returns what it did, in words. */
type Fault = (cluster: ProcessCluster, random: Random) => Promise<string>;

const anyServer = (cluster: ProcessCluster, random: Random): number => random.pick(cluster.members).id;

/** Kills, waits, starts again. */
async function bounce(
  cluster: ProcessCluster,
  ids: readonly number[],
  signal: NodeJS.Signals,
  outageMs: number,
): Promise<void> {
  await Promise.all(ids.map((id) => cluster.kill(id, signal)));
  await delay(outageMs);
  await cluster.spawn(ids);
}

async function pause(cluster: ProcessCluster, id: number, outageMs: number): Promise<void> {
  await cluster.kill(id, 'SIGSTOP');
  try {
    await delay(outageMs);
  } finally {
    await cluster.kill(id, 'SIGCONT');
  }
}

/** Each kind by its name, the leader preferred. No fault destroys what a majority holds. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill-leader': async (cluster, random) => {
    const { id } = await cluster.leader();
    await bounce(cluster, [id], 'SIGKILL', random.below(OUTAGE_MS_MAX));
    return `killed the leader, server ${id}`;
  },
  'kill-any': async (cluster, random) => {
    const id = anyServer(cluster, random);
    await bounce(cluster, [id], 'SIGKILL', random.below(OUTAGE_MS_MAX));
    return `killed server ${id}`;
  },
  'kill-all': async (cluster) => {
    const ids = cluster.members.map(({ id }) => id);
    await bounce(cluster, ids, 'SIGKILL', 0);
    return 'killed all servers at once';
  },
  'stop-leader': async (cluster) => {
    const { id } = await cluster.leader();
    await bounce(cluster, [id], 'SIGTERM', 0);
    return `stopped the leader, server ${id}, in good order`;
  },
  'pause-leader': async (cluster, random) => {
    const { id } = await cluster.leader();
    await pause(cluster, id, random.below(OUTAGE_MS_MAX));
    return `stopped and woke the leader, server ${id}`;
  },
  'pause-any': async (cluster, random) => {
    const id = anyServer(cluster, random);
    await pause(cluster, id, random.below(OUTAGE_MS_MAX));
    return `stopped and woke server ${id}`;
  },
};
