import { setTimeout as delay } from 'node:timers/promises';
import { isZklError, type Client } from '@zkl/client-sdk';
import { Durations } from './durations.js';

/** What a load is made of. */
export type LoadKind = 'writes' | 'reads' | 'mixed';

/** A load on znodes that are there. */
export interface LoadOptions {
  readonly kind: LoadKind;
  /** They share the calls. */
  readonly clients: readonly Client[];
  /** Calls under way at any time, of all clients together. */
  readonly inFlight: number;
  /** What is written and read, in turns. */
  readonly paths: readonly string[];
  readonly value: Uint8Array;
  readonly consistency: 'linearizable' | 'local';
  /** Of a mixed load: reads of a hundred calls. */
  readonly readsPercent: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Ends it early: what was measured until then is told. */
  readonly signal: AbortSignal;
}

/** What became of the calls of one kind, of those that ended after the warm-up. */
export class Operations {
  readonly durations = new Durations();
  /** Calls that failed, by the error's code. */
  readonly errors = new Map<string, number>();

  onError(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  get errorCount(): number {
    return [...this.errors.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** What a load has shown. */
export interface LoadResult {
  readonly writes: Operations;
  readonly reads: Operations;
  /** Measured for so long. */
  readonly elapsedMs: number;
}

/** After a call that failed, so that a cluster that refuses at once is not flooded. */
const PAUSE_AFTER_ERROR_MS = 10;

/** Keeps calls under way, each begun when one before it has ended. Resolves when the last has ended; a call that fails is counted. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { clients, inFlight, signal } = options;
  const fromMs = performance.now() + options.warmupMs;
  const untilMs = fromMs + options.durationMs;
  const result = { writes: new Operations(), reads: new Operations() };
  let next = 0;
  const slot = async (client: Client): Promise<void> => {
    for (let begunMs = performance.now(); begunMs < untilMs && !signal.aborted;) {
      const number = next++;
      const isRead = readsAt(options, number);
      const code = await outcomeOf(call(options, client, number, isRead));
      const endedMs = performance.now();
      const operations = isRead ? result.reads : result.writes;
      if (endedMs >= fromMs) {
        if (code === undefined) operations.durations.add(endedMs - begunMs);
        else operations.onError(code);
      }
      if (code !== undefined) await delay(PAUSE_AFTER_ERROR_MS);
      begunMs = performance.now();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, index) => slot(clients[index % clients.length] as Client)));
  return { ...result, elapsedMs: Math.max(0, performance.now() - fromMs) };
}

/** Spread evenly: 90 of a hundred are not the first 90. */
function readsAt({ kind, readsPercent }: LoadOptions, number: number): boolean {
  if (kind !== 'mixed') return kind === 'reads';
  return Math.floor(((number + 1) * readsPercent) / 100) > Math.floor((number * readsPercent) / 100);
}

function call(options: LoadOptions, client: Client, number: number, isRead: boolean): Promise<unknown> {
  const path = options.paths[number % options.paths.length] as string;
  return isRead ? client.get(path, { consistency: options.consistency }) : client.set(path, options.value);
}

/** The code of a failure; undefined after a success. @throws What is no error of a cluster. */
async function outcomeOf(running: Promise<unknown>): Promise<string | undefined> {
  try {
    await running;
    return undefined;
  } catch (error) {
    if (isZklError(error)) return error.code;
    throw error;
  }
}
