import { setTimeout as delay } from 'node:timers/promises';
import { withGenerator, withServers } from '../bench.js';
import type { Generator } from '../generators/generator.js';
import { spreadOf } from '../results.js';
import type { Cluster } from '../systems/cluster.js';
import type { SystemName } from '../systems/system.js';
import { epochMs, gapsSince, steady } from './flow.js';
import type { Metrics, RowGroup } from './row.js';

/** Each system is asked for so many writes a second while leaders are killed. */
const RATE = 2_000;
const GAP_MS = 10;
const WINDOW_MS = 250;
const RECOVERY_TIMEOUT_MS = 30_000;

const ALL: readonly SystemName[] = ['zkl', 'etcd', 'zookeeper'];

/** Clients of the peers know all servers, and some are connected to each. */
const flowArgs = (system: SystemName) => ({
  mode: 'flow',
  rate: RATE,
  'gap-ms': GAP_MS,
  'window-ms': WINDOW_MS,
  connections: system === 'zkl' ? 1 : 12,
  move: 1,
});

/** From the loss of the leader to the next acknowledged write, while writes come at a steady rate. */
export const failover: RowGroup = {
  name: 'failover',
  title: 'A leader is lost under load, until the next acknowledged write',
  systems: ALL,
  rows: () => [
    {
      id: 'failover-kill',
      title: `kill -9, ${RATE.toLocaleString('en')} writes/s`,
      rules: [
        {
          metric: 'median',
          label: 'median',
          unit: 'ms',
          better: 'lower',
          digits: 0,
          target: { kind: 'atMost', value: 300 },
        },
        {
          metric: 'max',
          label: 'longest',
          unit: 'ms',
          better: 'lower',
          digits: 0,
          target: { kind: 'atMost', value: 1_500, of: 'max' },
        },
      ],
    },
    {
      id: 'failover-freeze',
      title: 'SIGSTOP',
      rules: [
        {
          metric: 'median',
          label: 'gap',
          unit: 'ms',
          better: 'lower',
          digits: 0,
          target: { kind: 'atMost', value: 1_500, of: 'max' },
        },
      ],
    },
  ],
  seconds: ({ settings }, system) => 20 + settings.kills * (system === 'zkl' ? 4 : 6),
  measure: (bench, system) =>
    withServers(bench, system, (cluster) =>
      withGenerator(
        bench,
        cluster,
        flowArgs(system),
        async (generator) => {
          await generator.next('ready');
          const killed: number[] = [];
          for (let kill = 0; kill < bench.settings.kills; kill += 1) {
            killed.push(await loseLeader(cluster, generator, 'SIGKILL'));
            bench.say(`${system} kill ${kill + 1}: ${Math.round(killed.at(-1) ?? Number.NaN)} ms`);
          }
          const frozen = await loseLeader(cluster, generator, 'SIGSTOP');
          return { 'failover-kill': summary(killed), 'failover-freeze': summary([frozen]) };
        },
        { to: 'all' },
      ),
    ),
};

function summary(gaps: readonly number[]): Metrics {
  const { min = Number.NaN, median = Number.NaN, max = Number.NaN } = spreadOf(gaps) ?? {};
  return { min, median, max, count: gaps.length };
}

async function loseLeader(cluster: Cluster, generator: Generator, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number> {
  await steady(generator, 1_000);
  const leader = await cluster.leader();
  const atMs = epochMs();
  await cluster.signal(leader, signal);
  const tookMs = await recovery(generator, atMs);
  if (signal === 'SIGSTOP') await cluster.signal(leader, 'SIGCONT');
  else await cluster.startServers([leader]);
  await cluster.ready();
  return tookMs;
}

/** The longest gap that began about then; writes must have flowed again for a second. */
async function recovery(generator: Generator, atMs: number): Promise<number> {
  const deadline = epochMs() + RECOVERY_TIMEOUT_MS;
  while (epochMs() < deadline) {
    await delay(50);
    const gaps = gapsSince(generator, atMs).filter(({ from }) => from < atMs + 1_000);
    const quietSince = Math.max(atMs, ...gaps.map(({ to }) => to));
    const flowing = generator
      .told('window')
      .some((event) => Number(event['at']) > quietSince + 2 * WINDOW_MS && Number(event['ops']) > 0);
    if (epochMs() < quietSince + 1_000 || !flowing) continue;
    const longest = gaps.reduce((best, gap) => (gap.to - gap.from > best.to - best.from ? gap : best), {
      from: atMs,
      to: atMs + GAP_MS,
    });
    return longest.to - atMs;
  }
  throw new Error(`no write was acknowledged for ${RECOVERY_TIMEOUT_MS} ms`);
}
