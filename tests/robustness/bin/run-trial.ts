import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryRecord, HistoryReport } from '@zkl/simulator/history';
import { OrderDesk } from '../faults/orders.js';
import type { Fault, Scene } from '../faults/fault.js';
import { startTrialCluster } from '../faults/trial-cluster.js';
import { Trial } from '../faults/trial.js';
import { nowUs } from '../history/history-recorder.js';
import { ALL_PARTS } from '../workload/cast.js';
import { Random } from '../workload/random.js';
import type { Struck } from './tally.js';

/** What a trial is told. */
export interface TrialRunOptions {
  readonly servers: number;
  readonly seed: number;
  /** The next fault. */
  readonly draw: () => Fault;
  /** Ends the trial. */
  readonly isOver: (rounds: number) => boolean;
  readonly pauseMsMax: number;
  readonly serverArgs: readonly string[];
  readonly historyFile: string | undefined;
  readonly keep: boolean;
  readonly print: (line: string) => void;
  readonly onRecord: (record: HistoryRecord) => void;
}

/** What came of a trial. */
export interface TrialOutcome {
  readonly struck: readonly Struck[];
  readonly report: HistoryReport | undefined;
  /** Why it failed, with the history and the logs kept in `folder`. */
  readonly failure: Error | undefined;
  readonly folder: string;
  readonly historyFile: string;
  /** Calls of clients that go wherever they are served best, and were not served. */
  readonly unserved: readonly string[];
}

/** Of the search that trusts no zxid, for each group of calls that belong together: some seconds. */
const SEARCH_WORK_MAX = 20_000_000;
/** Between two faults, at most, in milliseconds. */
const CALM_MS_MAX = 1_500;
/** The next fault strikes when so many writes were acknowledged since all servers serve again. */
const WRITES_BETWEEN = 50;
/** So that snapshots are taken, log is purged, and a server that was away gets a snapshot, many times an hour. */
const SMALL_LIMITS = [
  ...['--limits-snapshot-every-bytes', String(512 * 1024)],
  ...['--limits-log-segment-bytes', String(1024 * 1024)],
  ...['--limits-log-retained-bytes', String(256 * 1024)],
];

/** A cluster, a workload, and faults one after the other until it is over; then everything is checked. */
export async function runTrial(options: TrialRunOptions): Promise<TrialOutcome> {
  const { servers, seed, print } = options;
  const trialCluster = await startTrialCluster({
    size: servers,
    network: { seed },
    injected: true,
    serverArgs: [...SMALL_LIMITS, ...options.serverArgs],
  });
  const { cluster, network } = trialCluster;
  if (network === undefined) throw new Error('a trial needs its network');
  const folder = cluster.folder;
  const historyFile = options.historyFile ?? join(folder, 'history.jsonl');
  const struck: Struck[] = [];
  let report: HistoryReport | undefined;
  let failure: Error | undefined;
  let unserved: string[] = [];
  try {
    await using trial = await Trial.start(trialCluster, `trial-${seed}`, {
      parts: ALL_PARTS,
      watchersMax: undefined,
      onRecord: options.onRecord,
      seed,
      pauseMsMax: options.pauseMsMax,
      historyFile,
    });
    const random = new Random(seed);
    const scene: Scene = { cluster, network, orders: new OrderDesk(cluster), trial, random };
    for (let round = 0; !options.isOver(round); round += 1) {
      await delay(random.below(CALM_MS_MAX));
      struck.push(await strike(scene, options.draw(), print));
      await cluster.serving(undefined, { timeoutMs: 60_000 });
      await trial.acknowledgedWrites(WRITES_BETWEEN);
    }
    unserved = trial.unserved().map(({ kind, failed, error }) => `${kind} ${failed ?? error ?? ''}`);
    report = await trial.conclude({ searchWorkMax: SEARCH_WORK_MAX });
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  } finally {
    await trialCluster.end({ keep: failure !== undefined || options.keep });
  }
  return { struck, report, failure, folder, historyFile, unserved };
}

async function strike(scene: Scene, fault: Fault, print: (line: string) => void): Promise<Struck> {
  const { name, kind } = fault;
  const atUs = nowUs();
  try {
    const what = await fault.strike(scene);
    print(`  ${kind} ${name}: ${what}`);
    return { name, kind, atUs, endUs: nowUs(), what };
  } catch (error) {
    throw new Error(`after the fault ${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
