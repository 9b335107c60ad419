import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compareDigests, startProcessCluster, type MemberStatus, type ProcessCluster } from '@zkl/cli/cluster';
import { checkHistory, type CheckResult } from '../check/check-history.js';
import { HistoryRecorder } from '../history/history-recorder.js';
import { formatZxid, toZxidNumber, type History, type Operation, type ZxidNumber } from '../history/operation.js';
import { buildProgram } from '../../build/build-program.js';
import { Workload, type WorkloadOptions } from '../workload/workload.js';

/** A cluster of server processes in a temporary folder. */
export interface TrialCluster {
  readonly cluster: ProcessCluster;
  /** Ends the servers. With `keep` what they wrote stays, for somebody to look at. */
  end(options: { readonly keep: boolean }): Promise<void>;
}

/** Starts servers and waits until they serve. */
export async function startTrialCluster(options: {
  readonly size: number;
  /** More flags for every server. */
  readonly serverArgs?: readonly string[] | undefined;
}): Promise<TrialCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-trial-'));
  const server = await buildProgram('@zkl/server', 'zkl-server');
  try {
    const cluster = await startProcessCluster({ ...options, folder, serverProgram: server.program });
    return {
      cluster,
      end: async ({ keep }) => {
        await cluster.stop({ force: true });
        await cluster.close();
        if (!keep) await rm(folder, { recursive: true, force: true });
        await server.remove();
      },
    };
  } catch (error) {
    await server.remove();
    throw error;
  }
}

/** A workload on a cluster, with the history that is checked at its end. */
export class Trial implements AsyncDisposable {
  readonly cluster: ProcessCluster;
  readonly workload: Workload;
  readonly #recorder: HistoryRecorder;
  readonly #listeners: Set<(operation: Operation) => void>;

  private constructor(
    cluster: ProcessCluster,
    workload: Workload,
    recorder: HistoryRecorder,
    listeners: Set<(operation: Operation) => void>,
  ) {
    this.cluster = cluster;
    this.workload = workload;
    this.#recorder = recorder;
    this.#listeners = listeners;
  }

  /**
   * Sets clients off, a pinned one for each server among them. The history goes to `history-<name>.jsonl` in the cluster's folder.
   *
   * @param name - One word, different for each trial of a cluster.
   */
  static async start(
    cluster: ProcessCluster,
    name: string,
    options: Partial<Omit<WorkloadOptions, 'endpoints' | 'recorder' | 'root'>> = {},
  ): Promise<Trial> {
    const listeners = new Set<(operation: Operation) => void>();
    const recorder = new HistoryRecorder({
      path: join(cluster.folder, `history-${name}.jsonl`),
      onRecord: (operation) => {
        for (const listener of listeners) listener(operation);
      },
    });
    const pinnedTo = options.pinnedTo ?? cluster.members.map(({ id }) => id);
    const workload = await Workload.start({
      ...options,
      pinnedTo,
      endpoints: cluster.endpoints,
      recorder,
      root: `/${name}`,
    });
    return new Trial(cluster, workload, recorder, listeners);
  }

  get history(): History {
    return this.#recorder.history;
  }

  /** The highest zxid that was acknowledged to anybody so far. */
  get acknowledged(): ZxidNumber {
    return this.history.operations.reduce(
      (most, operation) =>
        operation.outcome === 'ok' && operation.kind !== 'get' ? Math.max(most, operation.result.zxid) : most,
      0,
    );
  }

  /** The calls that roaming clients were not served, since operation number `from` of the history: not those that were answered, such as BAD_VERSION. */
  unserved(from = 0): Operation[] {
    const roamers = this.workload.roamers;
    return this.history.operations
      .slice(from)
      .filter(
        (operation) =>
          operation.client < roamers &&
          (operation.outcome === 'unknown' || (operation.outcome === 'rejected' && operation.code !== 'BAD_VERSION')),
      );
  }

  /** Waits for the next operation that satisfies the condition. @throws Error after `timeoutMs`. */
  async next(condition: (operation: Operation) => boolean, timeoutMs = 20_000): Promise<Operation> {
    let listener: ((operation: Operation) => void) | undefined;
    try {
      return await within(
        timeoutMs,
        'an operation',
        new Promise<Operation>((resolve) => {
          listener = (operation) => {
            if (condition(operation)) resolve(operation);
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
    await this.next((operation) => {
      if (operation.outcome === 'ok' && operation.kind !== 'get') left -= 1;
      return left <= 0;
    }, timeoutMs);
  }

  /**
   * Ends the load and checks everything: the history, and that all servers have one state that holds every acknowledged write.
   *
   * @throws Error that tells what was violated, and where the history is.
   */
  async conclude(): Promise<CheckResult> {
    await this.workload.stop();
    await equalDigests(this.cluster, this.acknowledged);
    await this.#recorder.close();
    const result = checkHistory(this.history);
    if (result.violations.length > 0) {
      const listed = result.violations.map(({ rule, message }) => `  ${rule}: ${message}`).join('\n');
      throw new Error(`the history has violations (it is in ${this.cluster.folder}):\n${listed}`);
    }
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workload[Symbol.asyncDispose]();
    await this.#recorder.close();
  }
}

/**
 * Waits until all servers serve and have applied everything, and tells the zxid at which their digests are the same.
 *
 * @param atLeast - What they must have applied.
 * @throws Error when digests at one zxid differ, or after `timeoutMs`.
 */
export async function equalDigests(
  cluster: ProcessCluster,
  atLeast: ZxidNumber,
  timeoutMs = 20_000,
): Promise<ZxidNumber> {
  const comparison = await until(`equal digests at or behind ${formatZxid(atLeast)}`, timeoutMs, async () => {
    const statuses = (await cluster.status()).flatMap(({ status }) => (status?.serving === true ? [status] : []));
    if (statuses.length < cluster.members.length) return undefined;
    const compared = compareDigests(statuses);
    return compared !== undefined && toZxidNumber(compared.zxid) >= atLeast ? compared : undefined;
  });
  if (!comparison.equal) {
    const digests = [...comparison.digests].map(([id, digest]) => `server ${id} ${digest}`).join(', ');
    throw new Error(`the servers differ at ${formatZxid(toZxidNumber(comparison.zxid))}: ${digests}`);
  }
  return toZxidNumber(comparison.zxid);
}

/** The status of one server, as soon as it satisfies the condition. */
export async function statusOf(
  cluster: ProcessCluster,
  id: number,
  condition: (status: NonNullable<MemberStatus['status']>) => boolean,
  what: string,
  timeoutMs = 20_000,
): Promise<NonNullable<MemberStatus['status']>> {
  return until(`server ${id} ${what}`, timeoutMs, async () => {
    const status = (await cluster.status()).find((member) => member.id === id)?.status;
    return status !== undefined && condition(status) ? status : undefined;
  });
}

/** Looks again and again until `look` gives something. @throws Error after `timeoutMs`. */
export async function until<T>(what: string, timeoutMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`);
    await delay(20);
  }
}

/** A promise with a deadline. */
export async function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const timeout = delay(timeoutMs, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    abort.abort();
    timeout.catch(() => undefined);
  }
}
