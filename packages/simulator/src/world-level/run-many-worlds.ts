import { runWorldSeed, type RunWorldOptions, type WorldRunResult } from './run-world-seed.js';

export interface RunManyWorldsOptions extends RunWorldOptions {
  /** The first seed; those after it follow. */
  readonly from: number;
  /** At most this many seeds. */
  readonly seeds: number;
  /** Called after each seed; answers whether to go on. Left out: stops at the first failure. */
  readonly after?: ((result: WorldRunResult) => boolean) | undefined;
}

export interface WorldTotals {
  seeds: number;
  events: number;
  committed: number;
  calls: number;
  simulatedSeconds: number;
  /** How often what happened in all runs: a run that reached nothing proves nothing. */
  readonly counts: Map<string, number>;
  readonly failures: WorldRunResult[];
}

/** Runs seeds one after the other. Between two of them, timers and sockets of this process have their turn. */
export async function runManyWorlds(options: RunManyWorldsOptions): Promise<WorldTotals> {
  const totals: WorldTotals = {
    seeds: 0,
    events: 0,
    committed: 0,
    calls: 0,
    simulatedSeconds: 0,
    counts: new Map(),
    failures: [],
  };
  for (let seed = options.from; seed < options.from + options.seeds; seed++) {
    const result = await runWorldSeed(seed, options);
    totals.seeds++;
    totals.events += result.events;
    totals.committed += result.committed;
    totals.calls += result.calls.length;
    totals.simulatedSeconds += result.simulatedSeconds;
    for (const [kind, count] of result.counts) totals.counts.set(kind, (totals.counts.get(kind) ?? 0) + count);
    if (result.failure !== undefined) totals.failures.push(result);
    const goesOn = options.after === undefined ? result.failure === undefined : options.after(result);
    if (!goesOn) break;
    await new Promise(setImmediate);
  }
  return totals;
}
