import type { ServerId } from '../core/server-id.js';
import { compareZxid, ZXID_ZERO, type Zxid } from '../core/zxid.js';
import { isDiskFull } from './persister.js';
import type { LogStore, PeerTransport, SnapshotReader, StateMachine } from './ports.js';
import { asError } from './as-error.js';

/** Chunks of a transfer between two signs of life to the core. */
const PROGRESS_EVERY = 16;

export interface SnapshotsOptions {
  readonly stateMachine: StateMachine<unknown>;
  readonly logStore: LogStore;
  readonly transport: PeerTransport;
  readonly everyBytes: number;
  readonly applied: () => Zxid;
  /** Up to here the log is on disk. */
  readonly durable: () => Zxid;
  readonly onProgress: (peer: ServerId, attempt: number) => void;
  readonly onSent: (to: ServerId, attempt: number, zxid: Zxid | undefined) => void;
  readonly onFatal: (error: Error) => void;
  /** For tests only: see `NodeOptions.plantedBugs`. */
  readonly mayBeUndurable: boolean;
}

/** Takes snapshots when enough log has gathered, and streams the newest one to learners that the log cannot help. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #sending = new Map<AbortController, Promise<void>>();
  #saving: Promise<void> | undefined;
  #abandon = false;
  /** Wakes a snapshot that waits for the disk. */
  #wake: () => void = () => undefined;
  #newest: Zxid | undefined;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** The newest snapshot on disk, as far as this run knows. */
  get newest(): Zxid | undefined {
    return this.#newest;
  }

  set newest(zxid: Zxid | undefined) {
    this.#newest = zxid;
  }

  /** Called each turn. Begins a snapshot if enough log has gathered since the last one. */
  takeIfDue(): void {
    this.#wake();
    if (this.#options.logStore.bytesSinceSnapshot < this.#options.everyBytes) return;
    void this.#take();
  }

  /** Ends a snapshot that is being saved, and resolves when it has ended: the state is about to be replaced. */
  async abandon(): Promise<void> {
    this.#abandon = true;
    this.#wake();
    await this.#saving;
    this.#abandon = false;
  }

  send(to: ServerId, attempt: number): void {
    const abort = new AbortController();
    const sending = this.#send(to, attempt, abort.signal).then(
      (zxid) => this.#options.onSent(to, attempt, zxid),
      // The learner is told by the core, and asks again.
      () => this.#options.onSent(to, attempt, undefined),
    );
    this.#sending.set(abort, sending);
    void sending.finally(() => this.#sending.delete(abort));
  }

  /** The role ended: transfers under way are of no use. */
  abortSending(): void {
    for (const abort of this.#sending.keys()) abort.abort();
  }

  async stop(): Promise<void> {
    this.abortSending();
    await Promise.allSettled([this.abandon(), ...this.#sending.values()]);
  }

  #take(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    const zxid = this.#options.applied();
    if (compareZxid(zxid, this.#newest ?? ZXID_ZERO) <= 0) return;
    const chunks = this.#options.stateMachine.snapshot();
    try {
      await this.#options.logStore.saveSnapshot(zxid, this.#untilDurable(zxid, chunks));
      this.#newest = zxid;
    } catch (error) {
      // Without room there is no snapshot, and the log stays: the next one is tried when more log has gathered. One that began while a leader's
      // was coming in is overtaken by it (simulation of nodes, seed 3456).
      if (error instanceof Abandoned || isDiskFull(error) || isOvertaken(error)) return;
      this.#options.onFatal(asError(error));
    } finally {
      chunks.return?.();
    }
  }

  /**
   * What a quorum has committed may be applied before it is on this disk, while an old tail there is still to be cut off: the cut would then lie below the
   * snapshot (simulation, seed 1127). So the last step waits for the disk; not the first, or a server whose disk always lags behind what it
   * applies would never take a snapshot, and keep its whole log.
   */
  async *#untilDurable(zxid: Zxid, chunks: IterableIterator<Uint8Array>): AsyncIterable<Uint8Array> {
    for (const chunk of chunks) {
      if (this.#abandon) throw new Abandoned();
      yield chunk;
    }
    while (compareZxid(zxid, this.#options.durable()) > 0 && !this.#options.mayBeUndurable) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#abandon) throw new Abandoned();
    }
  }

  async #send(to: ServerId, attempt: number, signal: AbortSignal): Promise<Zxid | undefined> {
    let reader = await this.#options.logStore.openSnapshot();
    if (reader === undefined) {
      await this.#take();
      reader = await this.#options.logStore.openSnapshot();
    }
    if (reader === undefined) return undefined;
    try {
      await this.#options.transport.sendSnapshot(to, attempt, this.#withProgress(reader, to, attempt), signal);
      return reader.zxid;
    } finally {
      await reader.close();
    }
  }

  #withProgress(reader: SnapshotReader, to: ServerId, attempt: number): SnapshotReader {
    const tell = (): void => this.#options.onProgress(to, attempt);
    return {
      zxid: reader.zxid,
      sizeBytes: reader.sizeBytes,
      chunks: telling(reader.chunks, tell),
      close: () => reader.close(),
    };
  }
}

class Abandoned extends Error {}

function isOvertaken(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'SNAPSHOT_OVERTAKEN';
}

/** Passes chunks through, and tells of every sixteenth. */
export async function* telling(chunks: AsyncIterable<Uint8Array>, tell: () => void): AsyncIterable<Uint8Array> {
  let count = 0;
  for await (const chunk of chunks) {
    if (count++ % PROGRESS_EVERY === 0) tell();
    yield chunk;
  }
}
