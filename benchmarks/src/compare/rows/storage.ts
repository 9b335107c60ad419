import { setTimeout as delay } from 'node:timers/promises';
import { fill, withServers } from '../bench.js';
import type { SystemName } from '../systems/system.js';
import type { RowGroup } from './row.js';
import { ratioAtMost } from './rules.js';

const ALL: readonly SystemName[] = ['zkl', 'etcd', 'zookeeper'];
const SETTLE_MS = 3_000;

/** Writes a second while something is filled, about: for the estimate. */
const FILLING: Readonly<Record<SystemName, number>> = { zkl: 60_000, etcd: 12_000, zookeeper: 15_000 };

/** What many znodes take in memory. */
export const memory: RowGroup = {
  name: 'memory',
  title: 'Resident memory of a server',
  systems: ALL,
  rows: ({ settings }) => [
    {
      id: 'memory',
      title: `${settings.znodes.toLocaleString('en')} znodes of ${settings.valueBytes} bytes`,
      rules: [
        {
          metric: 'residentMb',
          label: 'the largest',
          unit: 'MB',
          better: 'lower',
          digits: 0,
          // Its tree lies in memory, as ours does; etcd's lies on disk.
          target: ratioAtMost(0.6, 'zookeeper'),
        },
        { metric: 'seconds', label: 'filled in', unit: 's', better: 'lower' },
      ],
    },
  ],
  seconds: ({ settings }, system) => 10 + settings.znodes / FILLING[system],
  measure: (bench, system) =>
    withServers(bench, system, async (cluster) => {
      const filled = await fill(bench, cluster, { op: 'create', count: bench.settings.znodes });
      await delay(SETTLE_MS);
      const resident = [...(await cluster.usage()).values()].map(({ residentBytes }) => residentBytes / 1e6);
      return { memory: { residentMb: Math.max(...resident), seconds: Number(filled['ms']) / 1_000 } };
    }),
};

/** From the start of all processes, after kill -9 of all, until they serve. */
export const restart: RowGroup = {
  name: 'restart',
  title: 'Restart after kill -9 of all servers',
  systems: ALL,
  rows: ({ settings }) => [
    {
      id: 'restart',
      title: `${settings.entries.toLocaleString('en')} writes before it`,
      rules: [
        {
          metric: 'leaderMs',
          label: 'until a leader serves',
          unit: 'ms',
          better: 'lower',
          digits: 0,
          target: ratioAtMost(1),
        },
        { metric: 'allMs', label: 'until all serve', unit: 'ms', better: 'lower', digits: 0, target: ratioAtMost(1) },
      ],
    },
  ],
  seconds: ({ settings }, system) => 20 + settings.entries / FILLING[system],
  measure: (bench, system) =>
    withServers(bench, system, async (cluster) => {
      await fill(bench, cluster, { op: 'set', count: bench.settings.entries });
      await Promise.all(cluster.ids.map((id) => cluster.signal(id, 'SIGKILL')));
      const startedMs = performance.now();
      await cluster.startServers();
      await cluster.leader();
      const leaderMs = performance.now() - startedMs;
      await cluster.ready();
      return { restart: { leaderMs, allMs: performance.now() - startedMs } };
    }),
};
