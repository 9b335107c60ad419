import { runSeed, type RunOptions, type RunResult } from './run-seed.js';

export interface RunManyOptions extends RunOptions {
  /** The first seed; those after it follow. */
  readonly from: number;
  /** At most this many seeds. */
  readonly seeds: number;
  /** Called after each seed; answers whether to go on. Left out: stops at the first failure. */
  readonly after?: (result: RunResult) => boolean;
}

export interface Totals {
  seeds: number;
  events: number;
  committed: number;
  readsServed: number;
  /** How many messages of each kind arrived, and faults of each kind struck: a run that reached nothing proves nothing. */
  readonly seen: Map<string, number>;
  failures: RunResult[];
}

/** Runs seeds one after the other. */
export function runMany(options: RunManyOptions): Totals {
  const totals: Totals = { seeds: 0, events: 0, committed: 0, readsServed: 0, seen: new Map(), failures: [] };
  for (let seed = options.from; seed < options.from + options.seeds; seed++) {
    const result = runSeed(seed, options);
    add(totals, result);
    const goesOn = options.after === undefined ? result.failure === undefined : options.after(result);
    if (!goesOn) break;
  }
  return totals;
}

function add(totals: Totals, result: RunResult): void {
  const { cluster, events, committed, failure } = result;
  totals.seeds++;
  totals.events += events;
  totals.committed += committed;
  totals.readsServed += cluster.workload.readsServed;
  for (const counts of [cluster.arrived, cluster.faults.counts]) {
    for (const [kind, count] of counts) totals.seen.set(kind, (totals.seen.get(kind) ?? 0) + count);
  }
  totals.seen.set('snapshotInstalled', (totals.seen.get('snapshotInstalled') ?? 0) + cluster.transfers.installed);
  if (failure !== undefined) totals.failures.push(result);
}
