import { join } from 'node:path';
import type { ProcessCluster } from '@zkl/cli/cluster';
import {
  checkHistory,
  describeRecord,
  isCall,
  isWrite,
  type Call,
  type CheckOptions,
  type HistoryRecord,
  type HistoryReport,
} from '@zkl/simulator/history';
import { HistoryRecorder } from '../history/history-recorder.js';
import { FEW_PARTS } from '../workload/cast.js';
import { Workload, type WorkloadOptions } from '../workload/workload.js';
import { equalDigests, type TrialCluster } from './trial-cluster.js';
import { within } from './until.js';

/** Options of a {@link Trial}. */
export type TrialOptions = Partial<Omit<WorkloadOptions, 'reach' | 'recorder' | 'root' | 'parts'>> & {
  /** Default: {@link FEW_PARTS}. */
  readonly parts?: WorkloadOptions['parts'];
  /** Where the history goes; added to when it is there. Default: `history-<name>.jsonl` in the cluster's folder. */
  readonly historyFile?: string | undefined;
  /** Is told every record as it comes. */
  readonly onRecord?: ((record: HistoryRecord) => void) | undefined;
};

const FAULTS_SHOWN = 10;
/** Endings that no fault from outside explains. */
const INEXPLICABLE: ReadonlySet<string | undefined> = new Set([
  'CLIENT_FORGOTTEN',
  'STALE_REQUEST',
  'MARSHALLING_ERROR',
  'SYSTEM_ERROR',
  'DATA_INCONSISTENCY',
  'TOO_MANY_CLIENTS',
]);
/** One that stays, and one that leaves and comes back. */
const WATCHERS = 2;
/** A second of searching. What is judged whole in any case is the order that the cluster gave. */
const SEARCH_WORK_MAX = 2_000_000;

/** Refusals by the tree's state: they are answers. */
function isServed(call: Call): boolean {
  return call.end !== undefined && call.failed === undefined;
}

export function isAcknowledged(record: HistoryRecord): boolean {
  return isWrite(record) && record.end !== undefined && record.failed === undefined && record.refused === undefined;
}

/** A workload on a cluster, with the history that is checked at its end. */
export class Trial implements AsyncDisposable {
  readonly cluster: ProcessCluster;
  readonly workload: Workload;
  readonly historyFile: string;
  readonly #recorder: HistoryRecorder;
  readonly #listeners: Set<(record: HistoryRecord) => void>;

  private constructor(
    cluster: ProcessCluster,
    workload: Workload,
    historyFile: string,
    recorder: HistoryRecorder,
    listeners: Set<(record: HistoryRecord) => void>,
  ) {
    this.cluster = cluster;
    this.workload = workload;
    this.historyFile = historyFile;
    this.#recorder = recorder;
    this.#listeners = listeners;
  }

  /**
   * Sets clients off, a pinned one for each server among them.
   *
   * @param name - One word, different for each trial of a cluster.
   */
  static async start(servers: TrialCluster, name: string, options: TrialOptions = {}): Promise<Trial> {
    const { cluster, network } = servers;
    const listeners = new Set<(record: HistoryRecord) => void>(
      options.onRecord === undefined ? [] : [options.onRecord],
    );
    const historyFile = options.historyFile ?? join(cluster.folder, `history-${name}.jsonl`);
    const recorder = new HistoryRecorder({
      path: historyFile,
      onRecord: (record) => {
        for (const listener of listeners) listener(record);
      },
    });
    // The register is one for the whole cluster: only the first history begins where it does.
    const isFirst = servers.trials.size === 0;
    servers.trials.add(name);
    const workload = await Workload.start({
      watchersMax: WATCHERS,
      ...options,
      parts: (options.parts ?? FEW_PARTS).filter((part) => isFirst || part.name !== 'register'),
      pinnedTo: options.pinnedTo ?? cluster.members.map(({ id }) => id),
      reach:
        network === undefined
          ? { endpoints: cluster.endpoints }
          : { endpoints: network.endpoints, connect: network.dial },
      recorder,
      root: `/${name}`,
    });
    return new Trial(cluster, workload, historyFile, recorder, listeners);
  }

  get history(): readonly HistoryRecord[] {
    return this.#recorder.history;
  }

  /** The highest zxid that was acknowledged to anybody so far. */
  get acknowledged(): number {
    return this.#recorder.acknowledged;
  }

  /** The calls that roaming clients were not served, since record number `from` of the history: not those that were answered, such as BAD_VERSION. */
  unserved(from = 0): Call[] {
    return this.history
      .slice(from)
      .filter(isCall)
      .filter((call) => this.workload.isRoamer(call.client) && !isServed(call));
  }

  /** How many writes were acknowledged so far. */
  get acknowledgements(): number {
    return this.history.filter(isAcknowledged).length;
  }

  /** Waits for the next record that satisfies the condition. @throws Error after `timeoutMs`. */
  async next(condition: (record: HistoryRecord) => boolean, timeoutMs = 20_000): Promise<HistoryRecord> {
    let listener: ((record: HistoryRecord) => void) | undefined;
    try {
      return await within(
        timeoutMs,
        'an operation',
        new Promise<HistoryRecord>((resolve) => {
          listener = (record) => {
            if (condition(record)) resolve(record);
          };
          this.#listeners.add(listener);
        }),
      );
    } finally {
      if (listener !== undefined) this.#listeners.delete(listener);
    }
  }

  /** Waits for so many more writes to be acknowledged. */
  async acknowledgedWrites(count: number, timeoutMs?: number): Promise<void> {
    let left = count;
    await this.next((record) => {
      if (isAcknowledged(record)) left -= 1;
      return left <= 0;
    }, timeoutMs);
  }

  /**
   * Ends the load and checks everything: the history, and that all servers have one state that holds every acknowledged write.
   *
   * @throws Error that tells what was violated, and where the history is.
   */
  async conclude(options: CheckOptions = {}): Promise<HistoryReport> {
    await this.workload.stop();
    const { zxid, digests } = await equalDigests(this.cluster, this.acknowledged);
    for (const [server, digest] of digests) this.#recorder.record({ kind: 'digest', server, zxid, digest });
    await this.#recorder.close();
    const report = checkHistory(this.history, { searchWorkMax: SEARCH_WORK_MAX, ...options });
    if (report.faults.length > 0) {
      const listed = report.faults.slice(0, FAULTS_SHOWN).map((fault) => `  ${fault.property}: ${fault.message}`);
      throw new Error(`${report.faults.length} violations in the history (${this.historyFile}):\n${listed.join('\n')}`);
    }
    const odd = this.history.filter(isCall).find(({ failed, error }) => INEXPLICABLE.has(failed ?? error));
    if (odd !== undefined) throw new Error(`a call ended as none should (${this.historyFile}): ${describeRecord(odd)}`);
    // What could not be judged proves nothing.
    if (report.replayUndecided > 0) throw new Error(`the history could not be judged whole (${this.historyFile})`);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workload[Symbol.asyncDispose]();
    await this.#recorder.close();
  }
}
