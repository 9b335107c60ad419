import { openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { allTargets } from '../all-targets.js';
import { Coverage } from '../engine/coverage.js';
import { fuzz } from '../engine/fuzz.js';
import { hashOf } from '../engine/random.js';

/** What a process is given, as JSON. */
export interface ProcessData {
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
  /** Where the inputs are that were worth keeping. */
  readonly folder: string;
  /** Where it notes what it tries: a count and a length, as uint32, and the input. A hang, or a crash, leaves it there. */
  readonly now: string;
}

/** What a process tells. */
export type Told =
  | { readonly kind: 'found'; readonly input: Uint8Array; readonly what: string }
  | { readonly kind: 'ended'; readonly line: string };

function corpusIn(folder: string): Uint8Array[] {
  const kept = readdirSync(folder).filter((name) => name.startsWith('kept-'));
  return kept.map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

function noteIn(file: string): (input: Uint8Array) => void {
  const descriptor = openSync(file, 'w');
  const head = Buffer.alloc(8);
  let count = 0;
  return (input) => {
    head.writeUInt32LE((count += 1), 0);
    head.writeUInt32LE(input.length, 4);
    writeSync(descriptor, Buffer.concat([head, input]), 0, undefined, 0);
  };
}

async function main({ name, seed, seconds, folder, now }: ProcessData): Promise<void> {
  const target = allTargets.find((one) => one.name === name);
  if (target === undefined) throw new RangeError(`there is no target ${name}`);
  const tell = (told: Told): Promise<void> => new Promise((resolve) => process.send?.(told, () => resolve()));
  const coverage = new Coverage();
  await coverage.start();
  const startedMs = performance.now();
  const report = await fuzz(target, {
    ...{ seed, coverage, runs: Number.POSITIVE_INFINITY, untilMs: startedMs + seconds * 1_000 },
    corpus: corpusIn(folder),
    onInput: noteIn(now),
    onKept: (input) => {
      const hash = hashOf(Buffer.from(input).toString('latin1')).toString(16);
      writeFileSync(join(folder, `kept-${hash}`), input);
    },
  });
  const { runs, outcomes, finding, corpus } = report;
  await target.close?.();
  if (finding !== undefined) {
    const { input, error } = finding;
    await tell({ kind: 'found', input, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  const perSecond = Math.round((runs / (performance.now() - startedMs)) * 1_000);
  const line = `${runs} inputs (${perSecond}/s), ${outcomes.size} outcomes, ${corpus} kept, ${coverage.blocks} blocks`;
  await tell({ kind: 'ended', line });
  process.exit();
}

await main(JSON.parse(process.argv[2] ?? '{}') as ProcessData);
