import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fill, numberOf, withGenerator, withServers, type Bench } from '../bench.js';
import type { Generator, GeneratorEvent } from '../generators/generator.js';
import { spreadOf } from '../results.js';
import type { Cluster } from '../systems/cluster.js';
import { askHttp, metricIn } from '../systems/system.js';
import { usageOf } from '../systems/usage.js';
import { epochMs, gapsSince, steady, windowsIn } from './flow.js';
import type { Metrics, MetricRule, RowGroup } from './row.js';

const WINDOW_MS = 250;
const SNAPSHOT_RATE = 20_000;
const TRANSFER_RATE = 5_000;

const flowArgs = (rate: number) => ({ mode: 'flow', rate, 'gap-ms': 20, 'window-ms': WINDOW_MS, connections: 1 });

const during = (label: string): readonly MetricRule[] => [
  {
    metric: 'p99Times',
    label: `p99 ${label}, times`,
    unit: '×',
    better: 'lower',
    digits: 2,
    target: { kind: 'atMost', value: 2 },
  },
  { metric: 'p99Quiet', label: 'p99 before and between', unit: 'ms', better: 'lower', digits: 2 },
  { metric: 'p99During', label: `p99 ${label}`, unit: 'ms', better: 'lower', digits: 2 },
];

/** Whether snapshots are felt by those who write: zkl's own promise, measured on zkl alone. */
export const snapshot: RowGroup = {
  name: 'snapshot',
  title: 'Snapshots under steady writes',
  systems: ['zkl'],
  rows: ({ settings }) => [
    {
      id: 'snapshot',
      title: `${settings.znodes.toLocaleString('en')} znodes, ${SNAPSHOT_RATE.toLocaleString('en')} writes/s`,
      rules: [
        ...during('while one is taken'),
        {
          metric: 'pauseMs',
          label: "the leader's event loop, longest delay",
          unit: 'ms',
          better: 'lower',
          digits: 1,
          target: { kind: 'atMost', value: 20 },
        },
        { metric: 'gapMs', label: 'longest time without an acknowledgement', unit: 'ms', better: 'lower', digits: 1 },
        { metric: 'snapshots', label: 'windows with a snapshot', unit: 'n', better: 'higher', digits: 0 },
      ],
    },
  ],
  seconds: ({ settings }) => 20 + settings.znodes / 60_000 + settings.snapshotSeconds,
  measure: (bench, system) =>
    withServers(bench, system, async (cluster) => {
      await fill(bench, cluster, { op: 'create', count: bench.settings.znodes });
      return await withGenerator(bench, cluster, flowArgs(SNAPSHOT_RATE), async (generator) => ({
        snapshot: await watchSnapshots(bench, cluster, generator),
      }));
    }),
};

async function watchSnapshots(bench: Bench, cluster: Cluster, generator: Generator): Promise<Metrics> {
  await generator.next('ready');
  await steady(generator, 3_000, Number.POSITIVE_INFINITY);
  const leader = await cluster.leader();
  const [endpoint = ''] = await cluster.endpoints();
  await askHttp(`http://${endpoint}/metrics`);
  const fromMs = epochMs();
  const taking: number[] = [];
  while (epochMs() < fromMs + bench.settings.snapshotSeconds * 1_000) {
    const files = await readdir(cluster.folderOf(leader));
    if (files.some((file) => file.startsWith('snapshot-') && file.endsWith('.tmp'))) taking.push(epochMs());
    await delay(10);
  }
  const text = await askHttp(`http://${endpoint}/metrics`);
  const windows = windowsIn(generator, fromMs, epochMs(), WINDOW_MS);
  const touched = (event: GeneratorEvent): boolean =>
    taking.some((at) => at >= numberOf(event, 'at') - WINDOW_MS && at <= numberOf(event, 'at'));
  const gaps = gapsSince(generator, fromMs).map(({ from, to }) => to - from);
  return {
    ...compareWindows(
      windows.filter((event) => !touched(event)),
      windows.filter(touched),
    ),
    snapshots: windows.filter(touched).length,
    pauseMs: metricIn(text, 'zkl_event_loop_delay_max_seconds') * 1_000,
    gapMs: Math.max(20, ...gaps),
  };
}

/** Whether the leader's clients feel it when a server with an empty disk is given all znodes. */
export const transfer: RowGroup = {
  name: 'transfer',
  title: 'A new server is given everything, under steady writes',
  systems: ['zkl'],
  rows: ({ settings }) => [
    {
      id: 'transfer',
      title: `${settings.znodes.toLocaleString('en')} znodes, ${TRANSFER_RATE.toLocaleString('en')} writes/s`,
      rules: [
        ...during('meanwhile'),
        { metric: 'seconds', label: 'until it serves', unit: 's', better: 'lower' },
        { metric: 'moreMb', label: "the leader's memory, more at most", unit: 'MB', better: 'lower', digits: 0 },
        { metric: 'leaderMb', label: "the leader's memory at most", unit: 'MB', better: 'lower', digits: 0 },
      ],
    },
  ],
  seconds: ({ settings }) => 30 + settings.znodes / 20_000,
  measure: (bench, system) =>
    withServers(bench, system, async (cluster) => {
      await fill(bench, cluster, { op: 'create', count: bench.settings.znodes });
      return await withGenerator(bench, cluster, flowArgs(TRANSFER_RATE), async (generator) => ({
        transfer: await replaceServer(cluster, generator),
      }));
    }),
};

async function replaceServer(cluster: Cluster, generator: Generator): Promise<Metrics> {
  await generator.next('ready');
  await steady(generator, 1_000, Number.POSITIVE_INFINITY);
  const leader = await cluster.leader();
  const quietMs = epochMs();
  await delay(8_000);
  const other = cluster.ids.find((id) => id !== leader) as number;
  await cluster.signal(other, 'SIGKILL');
  await cluster.wipe(other);
  await steady(generator, 500, Number.POSITIVE_INFINITY);
  const before = (await usageOf(cluster.pidOf(leader))).residentBytes;
  let most = before;
  const fromMs = epochMs();
  await cluster.startServers([other]);
  const ready = cluster.ready([other]);
  let serves = false;
  const waiting = ready.finally(() => (serves = true));
  while (!serves) {
    most = Math.max(most, (await usageOf(cluster.pidOf(leader))).residentBytes);
    await Promise.race([delay(50), waiting]);
  }
  await waiting;
  const toMs = epochMs();
  await delay(WINDOW_MS);
  return {
    ...compareWindows(
      windowsIn(generator, quietMs, quietMs + 8_000, WINDOW_MS),
      windowsIn(generator, fromMs, toMs, WINDOW_MS),
    ),
    seconds: (toMs - fromMs) / 1_000,
    moreMb: (most - before) / 1e6,
    leaderMb: most / 1e6,
  };
}

/** The middle of the windows' 99th percentiles, quiet ones and others. */
function compareWindows(quiet: readonly GeneratorEvent[], others: readonly GeneratorEvent[]): Metrics {
  const middle = (windows: readonly GeneratorEvent[]): number =>
    spreadOf(windows.map((event) => numberOf(event, 'p99')))?.median ?? Number.NaN;
  const [p99Quiet, p99During] = [middle(quiet), middle(others)];
  return { p99Quiet, p99During, p99Times: p99During / p99Quiet };
}
