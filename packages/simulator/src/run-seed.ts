import { ALL_CHECKERS } from './checkers/all-checkers.js';
import { Cluster } from './cluster.js';
import { drawSettings, type DrawOptions, type Settings } from './swarm.js';

export interface RunOptions extends DrawOptions {
  /** Gets each line of the story. */
  readonly print?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly settings: Settings;
  /** What went wrong; undefined when all properties held. */
  readonly failure: Error | undefined;
  /** 16 hexadecimal digits; the same seed and the same code give the same. */
  readonly traceHash: string;
  readonly events: number;
  /** Blocks committed. */
  readonly committed: number;
  readonly cluster: Cluster;
}

/** Runs one seed to its end, or to the first property that does not hold. */
export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  const settings = drawSettings(seed, options);
  const cluster = new Cluster(settings, ALL_CHECKERS, options.print);
  let failure: Error | undefined;
  try {
    cluster.run();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const { trace, ledger } = cluster;
  return { seed, settings, failure, traceHash: trace.hash, events: trace.events, committed: ledger.length, cluster };
}
