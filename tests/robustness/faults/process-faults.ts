import { setTimeout as delay } from 'node:timers/promises';
import { wipe } from './data-folder.js';
import { leaderOf, minorityWith, pickServer, type Fault, type Scene } from './fault.js';
import { othersHoldAll } from './others-hold.js';

/** Milliseconds that a server stays dead, at most. */
const OUTAGE_MS_MAX = 3_000;
/** Of stops, most are short. */
const PAUSE_MS_MAX = 15_000;

const fault = (name: string, strike: (scene: Scene) => Promise<string>): Fault => ({
  name,
  kind: 'process',
  strike,
});

/** Kills, waits, starts again. */
async function bounce({ cluster, random }: Scene, ids: readonly number[], signal: NodeJS.Signals): Promise<void> {
  await Promise.all(ids.map((id) => cluster.kill(id, signal)));
  await delay(random.below(OUTAGE_MS_MAX));
  await cluster.spawn(ids);
}

/** What processes suffer. */
export const PROCESS_FAULTS: readonly Fault[] = [
  fault('kill-leader', async (scene) => {
    const id = await leaderOf(scene);
    await bounce(scene, [id], 'SIGKILL');
    return `killed the leader, server ${id}`;
  }),
  fault('kill-some', async (scene) => {
    const ids = minorityWith(scene, await pickServer(scene));
    await bounce(scene, ids, 'SIGKILL');
    return `killed servers ${ids.join(', ')}`;
  }),
  fault('kill-all', async (scene) => {
    const ids = scene.cluster.members.map(({ id }) => id);
    await bounce(scene, ids, 'SIGKILL');
    return 'killed all servers at once';
  }),
  fault('pause', async (scene) => {
    const { cluster, random } = scene;
    const id = await pickServer(scene);
    const outageMs = 500 + Math.floor((PAUSE_MS_MAX - 500) * random.next() ** 3);
    await cluster.kill(id, 'SIGSTOP');
    try {
      await delay(outageMs);
    } finally {
      await cluster.kill(id, 'SIGCONT');
    }
    return `stopped server ${id} for ${outageMs} ms`;
  }),
  fault('rolling-restart', async (scene) => {
    const { cluster } = scene;
    for (const { id } of cluster.members) await cluster.restart(id);
    return 'restarted all servers in good order, one after the other';
  }),
  fault('replace', async (scene) => {
    const { cluster } = scene;
    const id = await pickServer(scene);
    await cluster.kill(id);
    await othersHoldAll(scene, id);
    await wipe(cluster.member(id).dataFolder);
    await cluster.spawn([id]);
    return `replaced server ${id} by one with an empty disk`;
  }),
];
