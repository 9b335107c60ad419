import { join } from 'node:path';
import { Generator, type GeneratorArgs, type GeneratorEvent } from './generators/generator.js';
import type { Metrics } from './rows/row.js';
import type { Settings } from './settings.js';
import { Cluster } from './systems/cluster.js';
import type { Launch, SystemName } from './systems/system.js';
import { usageOf } from './systems/usage.js';
import type { Toolbox } from './toolbox.js';

/** What rows measure with. */
export interface Bench {
  readonly toolbox: Toolbox;
  readonly settings: Settings;
  /** Aborted by Ctrl-C: what runs is ended then. */
  readonly signal: AbortSignal;
  /** What rows keep from one round to the next. */
  readonly kept: Map<string, number>;
  /** Says how far a row is. */
  readonly say: (line: string) => void;
}

/** Runs servers of a system for as long as `body` takes. */
export async function withServers<T>(
  bench: Bench,
  system: SystemName,
  body: (cluster: Cluster) => Promise<T>,
  options: { readonly size?: number; readonly zklFlags?: readonly string[] } = {},
): Promise<T> {
  bench.signal.throwIfAborted();
  const kind = bench.toolbox.servers(system, options.zklFlags);
  await using cluster = await Cluster.start(kind, options.size ?? bench.settings.servers);
  return await untilAborted(bench.signal, body(cluster));
}

/** Runs a generator for as long as `body` takes. @param to - Default: the leader alone. */
export async function withGenerator<T>(
  bench: Bench,
  cluster: Cluster,
  args: GeneratorArgs,
  body: (generator: Generator) => Promise<T>,
  options: { readonly launch?: Launch; readonly to?: 'leader' | 'all' } = {},
): Promise<T> {
  const all = await cluster.endpoints();
  const leaderOnly = options.to !== 'all' && cluster.system !== 'zkl';
  const endpoints = leaderOnly || (options.launch && options.to !== 'all') ? all.slice(0, 1) : all;
  const launch = options.launch ?? bench.toolbox.load(cluster.system);
  const common = { endpoints: endpoints.join(','), writer: all[0] ?? '', 'value-bytes': bench.settings.valueBytes };
  const logFile = join(cluster.logFolder, 'generator.log');
  await using generator = Generator.start(launch, { ...common, ...args }, logFile);
  return await untilAborted(bench.signal, body(generator));
}

/** One run of load: rate, durations, and what it cost each process. */
export async function measureLoad(
  bench: Bench,
  cluster: Cluster,
  args: GeneratorArgs,
  options: { readonly launch?: Launch; readonly to?: 'leader' | 'all' } = {},
): Promise<Metrics> {
  const { seconds, warmupSeconds } = bench.settings;
  const times = { ms: seconds * 1_000, 'warmup-ms': warmupSeconds * 1_000 };
  return await withGenerator(
    bench,
    cluster,
    { mode: 'load', ...times, ...args },
    async (generator) => {
      await generator.next('start');
      const leader = await cluster.leader();
      const [before, ownBefore] = await Promise.all([cluster.usage(), usageOf(generator.pid)]);
      const end = await generator.next('end');
      const [after, ownAfter] = await Promise.all([cluster.usage(), usageOf(generator.pid)]);
      const used = (id: number): number => (after.get(id)?.cpuMs ?? Number.NaN) - (before.get(id)?.cpuMs ?? Number.NaN);
      const servers = cluster.ids.map(used).reduce((sum, ms) => sum + ms, 0);
      const resident = [...after.values()].map(({ residentBytes }) => residentBytes);
      const ops = numberOf(end, 'ops');
      return {
        rate: (ops / numberOf(end, 'ms')) * 1_000,
        ...durationsOf(end),
        errors: numberOf(end, 'errors'),
        serverCpuUs: (servers * 1_000) / ops,
        leaderCpuUs: (used(leader) * 1_000) / ops,
        clientCpuUs: ((ownAfter.cpuMs - ownBefore.cpuMs) * 1_000) / ops,
        residentMb: Math.max(...resident) / 1e6,
      };
    },
    options,
  );
}

/** Writes until something is there. */
export async function fill(bench: Bench, cluster: Cluster, args: GeneratorArgs): Promise<GeneratorEvent> {
  const parallel = { connections: cluster.system === 'zkl' ? 1 : 8, 'in-flight': 1_024 };
  return await withGenerator(bench, cluster, { mode: 'fill', ...parallel, ...args }, (generator) =>
    generator.next('end'),
  );
}

/** A number of an event; NaN when it has none of this name. */
export function numberOf(event: GeneratorEvent, name: string): number {
  return Number(event[name] ?? Number.NaN);
}

export function durationsOf(event: GeneratorEvent): Metrics {
  return Object.fromEntries(['p50', 'p99', 'p999', 'max'].map((name) => [name, numberOf(event, name)]));
}

/** What a promise resolves with, unless the signal comes first. */
async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
    // What fails after it was given up concerns nobody.
    work.catch(() => undefined);
  }
}
