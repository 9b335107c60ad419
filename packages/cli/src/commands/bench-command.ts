import type { Client } from '@zkl/client-sdk';
import { runLoad, type LoadKind, type LoadResult, type Operations } from '../bench/run-load.js';
import { EXIT_INTERRUPTED, UsageError } from '../output/explain-error.js';
import type { JsonObject } from '../output/output.js';
import { formatTable } from '../output/table.js';
import type { CommandSpec } from './command.js';
import type { Context } from './context.js';
import { consistency, integerIn } from './option-parsers.js';

interface BenchOptions {
  readonly clients?: number;
  readonly inFlight?: number;
  readonly seconds?: number;
  readonly warmupSeconds?: number;
  readonly valueBytes?: number;
  readonly znodes?: number;
  readonly readsPercent?: number;
  readonly consistency?: 'linearizable' | 'local';
}

/** Puts load on a cluster and tells what it bears. */
export const benchCommand: CommandSpec = {
  name: 'bench',
  args: '[kind]',
  summary: 'put load on the cluster, and tell how fast it answers',
  teaches:
    'The kind is writes (the default), reads or mixed. It makes a znode /zkl-bench-... of its own with children, sets and reads those, and removes them when it ends, also after Ctrl-C. A call begins when one before it has ' +
    'ended, so the rate is what this many calls at a time come to: a cluster is slower for one caller than for many, because writes that wait together share one sync of the disk. It takes all that it can get: think before you point it at a ' +
    'cluster that others use.',
  examples: [
    'bench',
    'bench reads --consistency local',
    'bench mixed --reads-percent 80 --clients 16 --in-flight 256',
    'bench writes --value-bytes 4096 --seconds 30',
  ],
  isWrite: true,
  options: [
    {
      flags: '--in-flight <n>',
      summary: 'calls under way, of all clients together (default: 64)',
      parse: integerIn('--in-flight', 1, 16_384),
    },
    {
      flags: '--clients <n>',
      summary: 'clients that share them, each with a connection of its own (default: 1)',
      parse: integerIn('--clients', 1, 1_000),
    },
    { flags: '--seconds <n>', summary: 'how long is measured (default: 10)', parse: integerIn('--seconds', 1, 86_400) },
    {
      flags: '--warmup-seconds <n>',
      summary: 'load before that, not counted (default: 2)',
      parse: integerIn('--warmup-seconds', 0, 3_600),
    },
    {
      flags: '--value-bytes <n>',
      summary: 'size of each value (default: 256)',
      parse: integerIn('--value-bytes', 0, 16_777_216),
    },
    {
      flags: '--znodes <n>',
      summary: 'znodes that it goes round on (default: 1000)',
      parse: integerIn('--znodes', 1, 100_000),
    },
    {
      flags: '--reads-percent <n>',
      summary: 'of mixed: reads of a hundred calls (default: 90)',
      parse: integerIn('--reads-percent', 1, 99),
    },
    { flags: '--consistency <level>', summary: 'of reads: linearizable (the default) or local', parse: consistency },
  ],
  run: async (context, [kindText = 'writes'], options) => {
    const kind = kindOf(kindText);
    const { clients: count = 1 } = options as BenchOptions;
    const clients: Client[] = [];
    try {
      for (let index = 0; index < count; index += 1) clients.push(await context.connection.another());
      return await bench(context, kind, clients, options);
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  },
};

/** @throws UsageError */
function kindOf(text: string): LoadKind {
  if (text === 'writes' || text === 'reads' || text === 'mixed') return text;
  throw new UsageError(`"${text}" is no kind of load`, 'Take writes, reads, or mixed.');
}

async function bench(
  context: Context,
  kind: LoadKind,
  clients: readonly Client[],
  options: BenchOptions,
): Promise<number | void> {
  const { output, signal } = context;
  const { inFlight = 64, seconds = 10, warmupSeconds = 2, valueBytes = 256, znodes = 1_000 } = options;
  const [first] = clients as [Client];
  const value = new Uint8Array(valueBytes).fill(122);
  // Nothing of its own is given up with the signal: it has to know what to remove.
  const { path: folder } = await first.create('/zkl-bench-', null, { sequential: true });
  try {
    const paths = Array.from({ length: znodes }, (_, index) => `${folder}/${index}`);
    await Promise.all(paths.map((path) => first.create(path, value)));
    output.note(`${kind} on ${folder} for ${seconds} s, after ${warmupSeconds} s that do not count`);
    const result = await runLoad({
      kind,
      clients,
      inFlight,
      paths,
      value,
      consistency: options.consistency ?? 'linearizable',
      readsPercent: options.readsPercent ?? 90,
      warmupMs: warmupSeconds * 1_000,
      durationMs: seconds * 1_000,
      signal,
    });
    show(context, { command: 'bench', kind, clients: clients.length, inFlight, valueBytes }, result);
    return signal.aborted ? EXIT_INTERRUPTED : undefined;
  } finally {
    await first.deleteRecursive(folder);
  }
}

function show({ output }: Context, about: JsonObject, result: LoadResult): void {
  const kinds = (['writes', 'reads'] as const).filter(
    (name) => result[name].durations.count + result[name].errorCount > 0,
  );
  const figures = Object.fromEntries(kinds.map((name) => [name, figuresOf(result[name], result.elapsedMs)]));
  output.answer({ ...about, seconds: Math.round(result.elapsedMs) / 1_000, ...figures }, () => {
    const rows = kinds.map((name) => {
      const { perSecond, p50Ms, p99Ms, p999Ms, maxMs, errors } = figuresOf(result[name], result.elapsedMs);
      const times = [p50Ms, p99Ms, p999Ms, maxMs].map((ms) => `${ms.toFixed(2)} ms`);
      return [
        name,
        Math.round(perSecond).toLocaleString('en'),
        ...times,
        Object.entries(errors)
          .map(([code, n]) => `${n} ${code}`)
          .join(', ') || '0',
      ];
    });
    if (rows.length === 0) return 'nothing was measured';
    return formatTable(['', 'a second', 'p50', 'p99', 'p99.9', 'longest', 'errors'], rows, output.style);
  });
}

function figuresOf({ durations, errors }: Operations, elapsedMs: number) {
  const round = (ms: number): number => Math.round(ms * 1_000) / 1_000;
  return {
    count: durations.count,
    perSecond: elapsedMs === 0 ? 0 : round((durations.count / elapsedMs) * 1_000),
    p50Ms: round(durations.percentileMs(0.5)),
    p99Ms: round(durations.percentileMs(0.99)),
    p999Ms: round(durations.percentileMs(0.999)),
    maxMs: round(durations.maxMs),
    errors: Object.fromEntries(errors),
  };
}
