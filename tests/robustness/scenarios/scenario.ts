import type { HistoryReport } from '@zkl/simulator/history';
import { distributionOf } from '../bin/statistics.js';
import { Tally } from '../bin/tally.js';
import type { Scene } from '../faults/fault.js';
import { OrderDesk } from '../faults/orders.js';
import { startTrialCluster } from '../faults/trial-cluster.js';
import { Trial, type TrialOptions } from '../faults/trial.js';
import { Random } from '../workload/random.js';

/** What every scenario is told. */
export interface ScenarioOptions {
  readonly servers: number;
  readonly seed: number;
  /** How often it does what it does. Default: its own. */
  readonly times: number | undefined;
  readonly keep: boolean;
  readonly print: (line: string) => void;
}

/** A trial with a bar, by name. */
export interface Scenario {
  readonly name: string;
  /** What must hold. */
  readonly bar: string;
  /** @returns what was seen, in lines. @throws Error when the bar was missed. */
  readonly run: (options: ScenarioOptions) => Promise<string[]>;
}

/** A scene, with what its history tells so far. */
export type ScenarioScene = Scene & { readonly tally: Tally };

/** A cluster with a workload; what is done to it; and at the end the check of its history and of its servers' states. */
export async function onStage(
  name: string,
  { servers, seed, keep }: ScenarioOptions,
  act: (scene: ScenarioScene) => Promise<string[]>,
  workload: TrialOptions = {},
): Promise<string[]> {
  const trialCluster = await startTrialCluster({ size: servers, network: { seed }, injected: true });
  const { cluster, network } = trialCluster;
  if (network === undefined) throw new Error('a scenario needs its network');
  const tally = new Tally();
  let isWell = false;
  try {
    await using trial = await Trial.start(trialCluster, name, {
      seed,
      onRecord: (record) => tally.add(record),
      ...workload,
    });
    // A scenario that brings its own load has none besides.
    if (workload.parts?.length !== 0) await trial.acknowledgedWrites(20);
    const scene = { cluster, network, orders: new OrderDesk(cluster), trial, random: new Random(seed), tally };
    const lines = await act(scene);
    await cluster.serving(undefined, { timeoutMs: 60_000 });
    const report = await trial.conclude();
    isWell = true;
    return [...lines, describe(report, tally)];
  } finally {
    await trialCluster.end({ keep: keep || !isWell });
  }
}

function describe(report: HistoryReport, tally: Tally): string {
  return `history of ${tally.operations} operations: ${report.faults.length} violations; longest write gap ${tally.longestGapMs().toFixed(0)} ms`;
}

/** Times, in a line. */
export function describeTimes(what: string, valuesMs: readonly number[]): string {
  const { median, p90, p99, max } = distributionOf(valuesMs);
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return `${what}: ${valuesMs.length} times, median ${ms(median)}, p90 ${ms(p90)}, p99 ${ms(p99)}, max ${ms(max)}`;
}

/** @throws Error that says by how much a bar was missed. */
export function atMost(what: string, value: number, bar: number): void {
  if (value > bar) throw new Error(`${what}: ${value.toFixed(0)}, and at most ${bar} was allowed`);
}

/** @throws Error when clients that go wherever they are served best were not served. */
export function allServed({ trial }: Scene): string {
  const unserved = trial.unserved();
  if (unserved.length > 0) {
    throw new Error(
      `${unserved.length} calls of roaming clients were not served, the first: ${JSON.stringify(unserved[0])}`,
    );
  }
  return 'calls of roaming clients not served: 0';
}
