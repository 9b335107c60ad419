import type { Call } from '../history/record.js';
import { ALL_NODE_CHECKERS } from './checkers/all-node-checkers.js';
import { NodeCluster } from './node-cluster.js';
import { drawNodeSettings, type DrawNodeOptions, type NodeSettings } from './node-settings.js';

export interface RunNodeOptions extends DrawNodeOptions {
  /** Gets each line of the story. */
  readonly print?: ((line: string) => void) | undefined;
}

export interface NodeRunResult {
  readonly seed: number;
  readonly settings: NodeSettings;
  /** What went wrong; undefined when all properties held. */
  readonly failure: Error | undefined;
  /** 16 hexadecimal digits; the same seed, code and version of Node.js give the same. */
  readonly traceHash: string;
  readonly events: number;
  /** Blocks committed. */
  readonly committed: number;
  readonly simulatedSeconds: number;
  readonly history: readonly Call[];
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Runs one seed at the level of nodes, to its end or to the first property that does not hold. One at a time. */
export async function runNodeSeed(seed: number, options: RunNodeOptions = {}): Promise<NodeRunResult> {
  const settings = drawNodeSettings(seed, options);
  const cluster = new NodeCluster(settings, ALL_NODE_CHECKERS, options.print);
  let failure: Error | undefined;
  try {
    await cluster.run();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const { trace, ledger, history, counts, simulatedSeconds } = cluster;
  const { hash: traceHash, events } = trace;
  return { seed, settings, failure, traceHash, events, committed: ledger.length, simulatedSeconds, history, counts };
}
