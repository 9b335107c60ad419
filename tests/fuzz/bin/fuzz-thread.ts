import { parentPort, workerData } from 'node:worker_threads';
import { allTargets } from '../all-targets.js';
import { Coverage } from '../engine/coverage.js';
import { fuzz } from '../engine/fuzz.js';

/** What a thread is given. `shared`: a count of inputs and the length of the present one, as int32, then its bytes. */
export interface ThreadData {
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
  readonly shared: SharedArrayBuffer;
  readonly corpus: readonly Uint8Array[];
}

/** What a thread tells. */
export type Told =
  | { readonly kind: 'kept'; readonly input: Uint8Array }
  | { readonly kind: 'found'; readonly input: Uint8Array; readonly what: string }
  | { readonly kind: 'ended'; readonly line: string };

async function main({ name, seed, seconds, shared, corpus }: ThreadData): Promise<void> {
  const target = allTargets.find((one) => one.name === name);
  if (target === undefined) throw new RangeError(`there is no target ${name}`);
  const tell = (told: Told): void => parentPort?.postMessage(told);
  const coverage = new Coverage();
  await coverage.start();
  const words = new Int32Array(shared, 0, 2);
  const place = new Uint8Array(shared, 8);
  const startedMs = performance.now();
  const { runs, outcomes, finding, corpus: kept } = await fuzz(target, {
    ...{ seed, corpus, coverage, runs: Number.POSITIVE_INFINITY, untilMs: startedMs + seconds * 1_000 },
    onInput: (input) => {
      place.set(input.subarray(0, place.length));
      words[1] = Math.min(input.length, place.length);
      words[0] = (words[0] ?? 0) + 1;
    },
    onKept: (input) => tell({ kind: 'kept', input }),
  });
  await target.close?.();
  if (finding !== undefined) {
    const { error } = finding;
    tell({ kind: 'found', input: finding.input, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  const perSecond = Math.round((runs / (performance.now() - startedMs)) * 1_000);
  tell({ kind: 'ended', line: `${runs} inputs (${perSecond}/s), ${outcomes.size} outcomes, ${kept} kept, ${coverage.blocks} blocks` });
  parentPort?.close();
}

await main(workerData as ThreadData);
