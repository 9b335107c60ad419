import { runNodeSeed, type NodeRunResult, type RunNodeOptions } from './run-node-seed.js';

export interface RunManyNodesOptions extends RunNodeOptions {
  /** The first seed; those after it follow. */
  readonly from: number;
  /** At most this many seeds. */
  readonly seeds: number;
  /** Called after each seed; answers whether to go on. Left out: stops at the first failure. */
  readonly after?: ((result: NodeRunResult) => boolean) | undefined;
}

export interface NodeTotals {
  seeds: number;
  events: number;
  committed: number;
  operations: number;
  simulatedSeconds: number;
  /** How often what happened in all runs: a run that reached nothing proves nothing. */
  readonly counts: Map<string, number>;
  readonly failures: NodeRunResult[];
}

/** Runs seeds one after the other. Between two of them, timers and sockets of this process have their turn. */
export async function runManyNodes(options: RunManyNodesOptions): Promise<NodeTotals> {
  const totals: NodeTotals = {
    seeds: 0,
    events: 0,
    committed: 0,
    operations: 0,
    simulatedSeconds: 0,
    counts: new Map(),
    failures: [],
  };
  for (let seed = options.from; seed < options.from + options.seeds; seed++) {
    const result = await runNodeSeed(seed, options);
    add(totals, result);
    const goesOn = options.after === undefined ? result.failure === undefined : options.after(result);
    if (!goesOn) break;
    await new Promise(setImmediate);
  }
  return totals;
}

function add(
  totals: NodeTotals,
  { events, committed, history, simulatedSeconds, counts, failure, ...rest }: NodeRunResult,
): void {
  totals.seeds++;
  totals.events += events;
  totals.committed += committed;
  totals.operations += history.length;
  totals.simulatedSeconds += simulatedSeconds;
  for (const [kind, count] of counts) totals.counts.set(kind, (totals.counts.get(kind) ?? 0) + count);
  if (failure === undefined) return;
  totals.failures.push({ ...rest, events, committed, history, simulatedSeconds, counts, failure });
}
