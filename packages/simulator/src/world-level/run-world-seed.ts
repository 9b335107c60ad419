import { ALL_WORLD_CHECKERS } from './checkers/all-world-checkers.js';
import { World } from './world.js';
import type { HistoryRecord } from '../history/record.js';
import type { CallRecord } from './world-checker.js';
import { drawWorldSettings, type DrawWorldOptions, type WorldSettings } from './world-settings.js';

export interface RunWorldOptions extends DrawWorldOptions {
  /** Gets each line of the story. */
  readonly print?: ((line: string) => void) | undefined;
}

export interface WorldRunResult {
  readonly seed: number;
  readonly settings: WorldSettings;
  /** What went wrong; undefined when all properties held. */
  readonly failure: Error | undefined;
  /** 16 hexadecimal digits; the same seed, code and version of Node.js give the same. */
  readonly traceHash: string;
  readonly events: number;
  /** Blocks committed. */
  readonly committed: number;
  readonly simulatedSeconds: number;
  readonly calls: readonly CallRecord[];
  /** What the clients saw. */
  readonly history: readonly HistoryRecord[];
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Runs one seed at the level of the world, to its end or to the first property that does not hold. One at a time in a process. */
export async function runWorldSeed(seed: number, options: RunWorldOptions = {}): Promise<WorldRunResult> {
  const settings = drawWorldSettings(seed, options);
  const world = new World(settings, ALL_WORLD_CHECKERS, options.print);
  let failure: Error | undefined;
  try {
    await world.run();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const { trace, chronicle, calls, counts, simulatedSeconds } = world;
  const { hash: traceHash, events } = trace;
  const history = world.history.records(chronicle);
  const committed = chronicle.blocks;
  return { seed, settings, failure, traceHash, events, committed, simulatedSeconds, calls, history, counts };
}
