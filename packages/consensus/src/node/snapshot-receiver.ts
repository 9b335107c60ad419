import type { ServerId } from '../core/server-id.js';
import type { Zxid } from '../core/zxid.js';
import type { LogStore } from './ports.js';
import { telling } from './snapshots.js';

export interface SnapshotReceiverOptions {
  readonly logStore: LogStore;
  /** Whether the core would still take a snapshot for this attempt. */
  readonly wanted: (from: ServerId, attempt: number) => boolean;
  /** Resolves when nothing else writes to the log store. */
  readonly holdWrites: () => Promise<void>;
  readonly resumeWrites: () => void;
  /** The snapshot came whole and is about to replace the log: the core does nothing until `onInstalled` or `onFailed`. */
  readonly freeze: () => void;
  readonly onProgress: (from: ServerId, attempt: number) => void;
  readonly onInstalled: (attempt: number, zxid: Zxid) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Refused, or no longer wanted: the leader begins again. */
export class SnapshotRefused extends Error {
  override readonly name = 'SnapshotRefused';
  readonly code = 'SNAPSHOT_REFUSED';
}

/**
 * Takes a snapshot from the leader. 1. It streams into a file beside the present state, while the core goes on; if the attempt ends
 * meanwhile, the file is dropped. 2. When it came whole, the core stands still while the store checks it and puts it in place of log and
 * snapshots. 3. The core hears of the new log, and the applier loads the state from it. (ZOOKEEPER-3104: a crash at any point leaves
 * either the old state or the new.)
 */
export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  #current: { from: ServerId; attempt: number; cancel: () => void } | undefined;

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options;
  }

  /** Ends a transfer whose attempt is over: called when the core may have changed its mind. */
  check(): void {
    const current = this.#current;
    if (current !== undefined && !this.#options.wanted(current.from, current.attempt)) current.cancel();
  }

  async receive(from: ServerId, attempt: number, zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#current !== undefined || !this.#options.wanted(from, attempt)) {
      throw new SnapshotRefused(`no snapshot is wanted from server ${from}`);
    }
    let cancel = (): void => undefined;
    const cancelled = new Promise<never>((_, reject) => {
      cancel = () => reject(new SnapshotRefused('the attempt that asked for this snapshot is over'));
    });
    cancelled.catch(() => undefined);
    this.#current = { from, attempt, cancel };
    let frozen = false;
    try {
      await this.#options.holdWrites();
      const told = telling(chunks, () => this.#options.onProgress(from, attempt));
      const whole = (): void => {
        frozen = true;
        this.#options.freeze();
      };
      await this.#options.logStore.installSnapshot(zxid, cancellable(told, cancelled, whole));
      this.#options.onInstalled(attempt, zxid);
    } catch (error) {
      if (frozen) this.#options.onFailed(error);
      throw error;
    } finally {
      this.#current = undefined;
      this.#options.resumeWrites();
    }
  }
}

async function* cancellable(
  chunks: AsyncIterable<Uint8Array>,
  cancelled: Promise<never>,
  whole: () => void,
): AsyncIterable<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), cancelled]);
      if (next.done === true) break;
      yield next.value;
    }
  } finally {
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
  whole();
}
