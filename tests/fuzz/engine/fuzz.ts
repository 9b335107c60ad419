import fc from 'fast-check';
import { getHeapStatistics } from 'node:v8';
import type { Coverage } from './coverage.js';
import { mutate, shorten } from './mutate.js';
import { hashOf, Random } from './random.js';
import { FuzzFinding, type FuzzTarget } from './target.js';

/** How long, and from which seed. */
export interface FuzzOptions {
  readonly seed: number;
  /** Ends after so many inputs, or at `untilMs` on the clock of `performance.now()`. */
  readonly runs: number;
  readonly untilMs?: number | undefined;
  /** Keeps inputs that reach new code. Without it those are kept that have a new outcome. */
  readonly coverage?: Coverage | undefined;
  /** Inputs to begin with, beside the well-formed ones. */
  readonly corpus?: readonly Uint8Array[] | undefined;
  /** Told of each input before it is tried: for a watchdog. */
  readonly onInput?: ((input: Uint8Array) => void) | undefined;
  /** Told of each input that is kept. */
  readonly onKept?: ((input: Uint8Array) => void) | undefined;
}

/** What was seen. */
export interface FuzzReport {
  readonly runs: number;
  /** How often each outcome came. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly corpus: number;
  readonly finding: { readonly input: Uint8Array; readonly error: unknown } | undefined;
}

/** Well-formed inputs to begin with, and how much of a short run they may be: the rest is to be hostile. */
const SEEDS = 48;
const VALID_SHARE = 0.25;
const CORPUS_MAX = 2_000;
/** Inputs between two looks at the coverage. */
const BATCH = 200;
/** Of those, kept when they ran something new. */
const KEPT_A_BATCH = 4;
const SHORTEN_MS = 10_000;
const TIME_US_PER_BYTE = 2;
/** What decoding may make of a byte: objects with names for each of a few bytes. */
const MEMORY_PER_BYTE = 256;
const MEMORY_FREE_BYTES = 8 * 1024 * 1024;

/** Tries inputs until the end, or until one finds something; that one is shortened. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const random = new Random(options.seed ^ hashOf(target.name));
  const bytesMax = target.inputBytesMax ?? 65_536;
  const numRuns = Math.max(1, Math.min(SEEDS, Math.floor(options.runs * VALID_SHARE)));
  const valid = fc.sample(target.valid, { seed: options.seed, numRuns });
  const corpus = [...valid, ...(options.corpus ?? [])];
  const outcomes = new Map<string, number>();
  let batch = new Map<Uint8Array, string>();
  let runs = 0;
  const report = (finding: FuzzReport['finding']): FuzzReport => ({ runs, outcomes, corpus: corpus.length, finding });
  while (runs < options.runs && performance.now() < (options.untilMs ?? Number.POSITIVE_INFINITY)) {
    const input = runs < corpus.length ? corpus[runs]! : madeFrom(corpus, target, random, bytesMax);
    options.onInput?.(input);
    const judged = await judge(target, input);
    runs += 1;
    if (judged.error !== undefined)
      return report({ input: await shortest(target, input, judged.error), error: judged.error });
    const count = outcomes.get(judged.outcome) ?? 0;
    outcomes.set(judged.outcome, count + 1);
    if (options.coverage === undefined) {
      if (count === 0 && corpus.length < CORPUS_MAX) corpus.push(input);
      continue;
    }
    batch.set(input, judged.outcome);
    if (batch.size < Math.min(BATCH, (target.runs ?? BATCH) / 2)) continue;
    const isNew = await options.coverage.hasFresh();
    for (const kept of isNew && corpus.length < CORPUS_MAX ? worthKeeping(batch, outcomes) : []) {
      corpus.push(kept);
      options.onKept?.(kept);
    }
    batch = new Map();
  }
  return report(undefined);
}

function madeFrom(corpus: readonly Uint8Array[], target: FuzzTarget, random: Random, bytesMax: number): Uint8Array {
  // The newest are as likely as all others together: they reached something that those did not.
  const from =
    random.below(2) === 0 ? random.below(corpus.length) : corpus.length - 1 - random.below(Math.min(8, corpus.length));
  const input = mutate(corpus[from]!, random.pick(corpus), random, bytesMax);
  return target.seal !== undefined && random.below(2) === 0 ? target.seal(input) : input;
}

/**
 * The inputs of a batch to keep when it ran what none did before: the shortest of each outcome, the rarest outcomes first. A look at the coverage costs as
 * much as a hundred inputs, so it is not asked which of them it was.
 */
function worthKeeping(batch: ReadonlyMap<Uint8Array, string>, outcomes: ReadonlyMap<string, number>): Uint8Array[] {
  const shortest = new Map<string, Uint8Array>();
  for (const [input, outcome] of batch) {
    const known = shortest.get(outcome);
    if (known === undefined || input.length < known.length) shortest.set(outcome, input);
  }
  const rarity = (outcome: string): number => outcomes.get(outcome) ?? 0;
  const kept = [...shortest].sort(([a], [b]) => rarity(a) - rarity(b)).map(([, input]) => input);
  return kept.slice(0, KEPT_A_BATCH);
}

type Judged =
  { readonly outcome: string; readonly error?: undefined } | { readonly outcome: ''; readonly error: unknown };

const PROTOTYPES = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  Map.prototype,
  Uint8Array.prototype,
] as const;
const NAMES = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length);

/** Runs one input, and looks at time, memory and the prototypes of all objects. */
export async function judge(target: FuzzTarget, input: Uint8Array): Promise<Judged> {
  try {
    const outcome = await measured(target, input);
    PROTOTYPES.forEach((prototype, at) => {
      if (Reflect.ownKeys(prototype).length !== NAMES[at]) throw new FuzzFinding('a prototype was changed');
    });
    return { outcome };
  } catch (error) {
    return { outcome: '', error };
  }
}

async function measured(target: FuzzTarget, input: Uint8Array): Promise<string> {
  const timeMsMax = (target.timeMsMax ?? 100) + (input.length * TIME_US_PER_BYTE) / 1_000;
  const memoryMax = MEMORY_FREE_BYTES + input.length * MEMORY_PER_BYTE;
  // A machine that is busy with something else makes anything slow: what is slow is slow each time.
  for (let again = 0; ; again += 1) {
    const before = memory();
    const startedMs = performance.now();
    const outcome = await target.run(input);
    const tookMs = performance.now() - startedMs;
    const took = memory() - before;
    const isHeavy = target.sharesProcess !== true && took > memoryMax;
    if (tookMs <= timeMsMax && !isHeavy) return outcome;
    if (again < 3) continue;
    if (isHeavy) throw new FuzzFinding(`${input.length} bytes took ${took} bytes of memory`);
    throw new FuzzFinding(`${input.length} bytes took ${tookMs.toFixed(0)} ms`);
  }
}

function memory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

async function shortest(target: FuzzTarget, input: Uint8Array, error: unknown): Promise<Uint8Array> {
  const what = kindOf(error);
  const untilMs = performance.now() + SHORTEN_MS;
  return shorten(input, async (candidate) => {
    if (performance.now() > untilMs) return false;
    const judged = await judge(target, candidate);
    return judged.error !== undefined && kindOf(judged.error) === what;
  });
}

/** What two failures have in common when they are the same: the error's name and its text without numbers. */
function kindOf(error: unknown): string {
  return error instanceof Error ? `${error.name} ${error.message.replace(/\d+/g, 'n').slice(0, 80)}` : String(error);
}
