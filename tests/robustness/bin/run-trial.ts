import { setTimeout as delay } from 'node:timers/promises';
import { failOver, type Failover } from '../faults/failover.js';
import { FAULTS } from '../faults/random-fault.js';
import { startTrialCluster, Trial } from '../faults/trial-cluster.js';
import { Random } from '../workload/random.js';
import { describeCheck, describeFailovers } from './trial-report.js';

/** What a long trial is told. */
export interface LongTrialOptions {
  readonly servers: number;
  readonly seed: number;
  /** Kill the leader this often, one after the other; or undefined. */
  readonly rounds: number | undefined;
  /** Else: faults at random for this long. */
  readonly seconds: number;
  /** Names of faults to draw from. */
  readonly faults: readonly string[];
  readonly roamers: number;
  readonly callsInFlight: number;
  readonly pauseMsMax: number;
  /** The data and the history stay when all is over. They always stay when something was violated. */
  readonly keep: boolean;
  readonly serverArgs: readonly string[];
}

/** Between two faults at random, at most, in milliseconds. */
const CALM_MS_MAX = 2_000;
/** A leader is killed only when so many writes were acknowledged since the last time. */
const WRITES_BETWEEN_KILLS = 50;
const PRINT_EVERY = 10;

/** Runs a trial, prints its result, and throws when something was violated. */
export async function runTrial(options: LongTrialOptions, print: (line: string) => void): Promise<void> {
  const { servers, seed, rounds, roamers, callsInFlight, pauseMsMax } = options;
  const trialCluster = await startTrialCluster({ size: servers, serverArgs: options.serverArgs });
  const { cluster } = trialCluster;
  let violated = true;
  try {
    print(`${servers} servers, seed ${seed}, data in ${cluster.folder}`);
    await using trial = await Trial.start(cluster, 'trial', { seed, roamers, callsInFlight, pauseMsMax });
    const lines =
      rounds === undefined ? await faultsAtRandom(trial, options, print) : await killLeaders(trial, rounds, print);
    const unserved = trial.unserved();
    const result = await trial.conclude();
    violated = false;
    for (const line of [...lines, ...describeCheck(result), `calls of roaming clients not served: ${unserved.length}`])
      print(line);
  } finally {
    await trialCluster.end({ keep: violated || options.keep });
  }
}

async function killLeaders(trial: Trial, rounds: number, print: (line: string) => void): Promise<string[]> {
  const failovers: Failover[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await trial.acknowledgedWrites(WRITES_BETWEEN_KILLS);
    const failover = await failOver(trial, 'SIGKILL');
    failovers.push(failover);
    await trial.cluster.restart(failover.leader);
    if (round % PRINT_EVERY === 0 || round === rounds) print(`round ${round}: ${failover.gapMs.toFixed(0)} ms`);
  }
  return describeFailovers(failovers);
}

async function faultsAtRandom(
  trial: Trial,
  options: LongTrialOptions,
  print: (line: string) => void,
): Promise<string[]> {
  const random = new Random(options.seed);
  const endMs = performance.now() + options.seconds * 1_000;
  let count = 0;
  while (performance.now() < endMs) {
    await delay(random.below(CALM_MS_MAX));
    const done = await FAULTS[random.pick(options.faults)]?.(trial.cluster, random);
    count += 1;
    print(`fault ${count}: ${done}`);
    await trial.cluster.serving();
    await trial.acknowledgedWrites(WRITES_BETWEEN_KILLS);
  }
  return [`faults               ${count}`];
}
