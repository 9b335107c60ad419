import { setTimeout as delay } from 'node:timers/promises';
import { measureLoad, withGenerator, withServers, type Bench } from '../bench.js';
import type { Cluster } from '../systems/cluster.js';
import type { SystemName } from '../systems/system.js';
import { STARTING_SECONDS } from './load-rows.js';
import type { Metrics, RowGroup } from './row.js';
import { atLeast, clientCpu, duration, rate, serverCpu } from './rules.js';

const ALL: readonly SystemName[] = ['zkl', 'etcd', 'zookeeper'];

/** Watchers, each connection with a hundred. */
const watchSizes = ({ settings }: Bench): readonly number[] => [1_000, settings.watchers];

/** One change after another, each when every watcher heard of the one before. */
export const watches: RowGroup = {
  name: 'watches',
  title: 'One change is told to many watchers',
  systems: ALL,
  rows: (bench) =>
    watchSizes(bench).map((watchers) => ({
      id: `watches-${watchers}`,
      title: `${watchers.toLocaleString('en')} watchers on ${watchers / 100} connections`,
      rules: [rate('events', atLeast(3)), duration('p50'), duration('p99'), serverCpu(), clientCpu],
    })),
  seconds: ({ settings }) => 2 * (STARTING_SECONDS + settings.seconds + settings.warmupSeconds + 2),
  measure: async (bench, system) => {
    const measured: Record<string, Metrics> = {};
    for (const watchers of watchSizes(bench)) {
      const args = { mode: 'watch', watchers, connections: watchers / 100 };
      measured[`watches-${watchers}`] = await withServers(bench, system, (cluster) =>
        measureLoad(bench, cluster, args),
      );
    }
    return measured;
  },
};

const SESSION_TIMEOUT_MS = 10_000;
const SETTLE_MS = 5_000;
const LOOK_MS = 10_000;

/** What clients cost that do nothing but live, each with a connection of its own. */
export const idle: RowGroup = {
  name: 'idle',
  title: 'Idle sessions, each with a connection of its own',
  systems: ALL,
  rows: ({ settings }) => [
    {
      id: 'idle',
      title: `${settings.sessions.toLocaleString('en')} sessions`,
      rules: [
        {
          metric: 'kbEach',
          label: 'memory each, all servers',
          unit: 'KB',
          better: 'lower',
          target: { kind: 'atMost', value: 25 },
        },
        {
          metric: 'cpuPercent',
          label: 'CPU of all, all servers, of a core',
          unit: '%',
          better: 'lower',
          target: { kind: 'atMost', value: 5 },
        },
        { metric: 'openSeconds', label: 'opened in', unit: 's', better: 'lower' },
      ],
    },
  ],
  seconds: ({ settings }) => 30 + settings.sessions / 500,
  measure: (bench, system) =>
    withServers(bench, system, async (cluster) => {
      const before = await observe(cluster);
      const args = {
        mode: 'idle',
        system,
        connections: 0,
        sessions: bench.settings.sessions,
        'timeout-ms': SESSION_TIMEOUT_MS,
      };
      // ZooKeeper's own client takes two threads a session: its protocol is spoken by the other generator.
      const options = system === 'zookeeper' ? { launch: bench.toolbox.foreignLoad } : {};
      const beganMs = performance.now();
      return await withGenerator(
        bench,
        cluster,
        args,
        async (generator) => {
          await generator.next('ready');
          const openSeconds = (performance.now() - beganMs) / 1_000;
          await delay(SETTLE_MS);
          const after = await observe(cluster);
          return {
            idle: {
              kbEach: (after.residentBytes - before.residentBytes) / 1_000 / bench.settings.sessions,
              cpuPercent: after.cpuPercent - before.cpuPercent,
              openSeconds,
            },
          };
        },
        { ...options, to: 'all' },
      );
    }),
};

/** All servers together, for a while. */
async function observe(cluster: Cluster): Promise<{ readonly cpuPercent: number; readonly residentBytes: number }> {
  const before = [...(await cluster.usage()).values()];
  await delay(LOOK_MS);
  const after = [...(await cluster.usage()).values()];
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const cpuMs = sum(after.map(({ cpuMs: ms }) => ms)) - sum(before.map(({ cpuMs: ms }) => ms));
  return { cpuPercent: (cpuMs / LOOK_MS) * 100, residentBytes: sum(after.map(({ residentBytes }) => residentBytes)) };
}

const IN_FLIGHT = 256;

/** What more servers cost. */
export const sizes: RowGroup = {
  name: 'servers',
  title: `Servers of a cluster, ${IN_FLIGHT} writes in flight`,
  systems: ALL,
  rows: ({ settings }) =>
    settings.clusterSizes.map((size) => ({
      id: `servers-${size}`,
      title: `${size} servers`,
      rules: [rate('writes'), serverCpu(), duration('p50'), duration('p99')],
    })),
  seconds: ({ settings }) =>
    settings.clusterSizes.length * (STARTING_SECONDS + 2 + settings.seconds + settings.warmupSeconds),
  measure: async (bench, system) => {
    const measured: Record<string, Metrics> = {};
    const args = { op: 'set', 'in-flight': IN_FLIGHT, connections: system === 'zkl' ? 1 : 8 };
    for (const size of bench.settings.clusterSizes) {
      const run = (cluster: Cluster): Promise<Metrics> => measureLoad(bench, cluster, args);
      measured[`servers-${size}`] = await withServers(bench, system, run, { size });
    }
    return measured;
  },
};
