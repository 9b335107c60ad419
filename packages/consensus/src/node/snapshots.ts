import type { ServerId } from '../core/server-id.js';
import { compareZxid, ZXID_ZERO, type Zxid } from '../core/zxid.js';
import { isDiskFull } from './persister.js';
import type { Pacer } from './pacer.js';
import type { Clock, LogStore, PeerTransport, SnapshotReader, StateMachine } from './ports.js';
import { asError } from './as-error.js';

/** Chunks of a transfer between two signs of life to the core: few, since at a low pace they are far apart. */
const PROGRESS_EVERY = 4;
/**
 * A snapshot is worth its writing only when there is about as much log to be rid of: of a large state one is taken after this share of its size.
 */
const SIZE_SHARE = 0.5;
/** Up to this share earlier, by chance, so that servers that apply the same log do not all write at the same moment. */
const EARLY_SHARE = 0.3;
/** While a learner is being sent the newest snapshot and what follows on it, the next one waits, so that the log behind it is kept; but not for more log than this many times what makes one due. */
const HELD_BACK_FACTOR = 4;

export interface SnapshotsOptions {
  readonly stateMachine: StateMachine<unknown>;
  readonly logStore: LogStore;
  readonly transport: PeerTransport;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** 0 <= random() < 1. */
  readonly random: () => number;
  /** See `NodeLimits.snapshotEveryBytes`. */
  readonly everyBytes: number;
  readonly pacer: Pacer;
  readonly applied: () => Zxid;
  /** Up to here the log is on disk. */
  readonly durable: () => Zxid;
  /** Whether that learner is still being synchronised in that attempt. */
  readonly isSynchronising: (learner: ServerId, attempt: number) => boolean;
  readonly onProgress: (peer: ServerId, attempt: number) => void;
  readonly onSent: (to: ServerId, attempt: number, zxid: Zxid | undefined) => void;
  readonly onFatal: (error: Error) => void;
  /** For tests only: see `NodeOptions.plantedBugs`. */
  readonly mayBeUndurable: boolean;
}

/**
 * Takes snapshots when enough log has gathered, and streams the newest one to learners that the log cannot help. Both at a pace that leaves disk, event loop and
 * network to those who write (docs/decisions/0012-snapshots-at-a-pace.md).
 */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #sending = new Map<AbortController, Promise<void>>();
  #saving: Promise<void> | undefined;
  #abandon = false;
  /** Nothing holds back the one that is being saved any more. */
  #isFinishing = false;
  /** Wakes a snapshot that waits for the disk, or for a learner. */
  #wake: () => void = () => undefined;
  /** The attempts of learners that are sent a snapshot, or after it the log from there on. */
  readonly #learners = new Map<ServerId, number>();
  #newest: Zxid | undefined;
  #newestBytes = 0;
  /** What makes the next one due, less than the rule says: drawn when it is nearly due. */
  #earlyShare: number | undefined;

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

  /** The size of the newest one: the state was made from it. */
  set newestBytes(bytes: number) {
    this.#newestBytes = bytes;
  }

  /** Called each turn. Begins a snapshot if enough log has gathered since the last one. */
  takeIfDue(): void {
    for (const [learner, attempt] of this.#learners) {
      if (!this.#options.isSynchronising(learner, attempt)) this.#learners.delete(learner);
    }
    this.#wake();
    if (this.#saving === undefined && this.#isDue()) void this.#take();
  }

  #isDue(): boolean {
    const bytes = this.#options.logStore.bytesSinceSnapshot;
    if (bytes < this.#dueBytesMax * (1 - EARLY_SHARE) || this.#isHeldBack) return false;
    this.#earlyShare ??= EARLY_SHARE * this.#options.random();
    return bytes >= this.#dueBytesMax * (1 - this.#earlyShare);
  }

  get #dueBytesMax(): number {
    return Math.max(this.#options.everyBytes, SIZE_SHARE * this.#newestBytes);
  }

  /** No snapshot takes the place of one that a learner is sent, until it has the log behind that too: else that would go, and all begin anew. */
  get #isHeldBack(): boolean {
    if (this.#learners.size === 0 || this.#newest === undefined) return false;
    return this.#options.logStore.bytesSinceSnapshot < this.#dueBytesMax * HELD_BACK_FACTOR;
  }

  /** Ends a snapshot that is being saved, and resolves when it has ended: the state is about to be replaced. */
  async abandon(): Promise<void> {
    this.#abandon = true;
    this.#wake();
    this.#options.pacer.wake();
    await this.#saving;
    this.#abandon = false;
  }

  send(to: ServerId, attempt: number): void {
    const abort = new AbortController();
    this.#learners.set(to, attempt);
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
    this.#options.pacer.wake();
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
    this.#earlyShare = undefined;
    const chunks = this.#options.stateMachine.snapshot();
    let savedBytes = 0;
    const told = (bytes: number): void => {
      savedBytes += bytes;
    };
    try {
      await this.#options.logStore.saveSnapshot(zxid, this.#untilDurable(zxid, chunks, told));
      this.#newest = zxid;
      this.#newestBytes = savedBytes;
    } catch (error) {
      // Without room there is no snapshot, and the log stays: the next one is tried when more log has gathered. One that began while a leader's
      // was coming in is overtaken by it (simulation of nodes, seed 3456).
      if (error instanceof Abandoned || isDiskFull(error) || isOvertaken(error)) return;
      this.#options.onFatal(asError(error));
    } finally {
      this.#isFinishing = false;
      chunks.return?.();
    }
  }

  /**
   * What a quorum has committed may be applied before it is on this disk, while an old tail there is still to be cut off: the cut would then lie below the
   * snapshot (simulation, seed 1127). So the last step waits for the disk; not the first, or a server whose disk always lags behind what it
   * applies would never take a snapshot, and keep its whole log.
   */
  async *#untilDurable(
    zxid: Zxid,
    chunks: IterableIterator<Uint8Array>,
    tell: (bytes: number) => void,
  ): AsyncIterable<Uint8Array> {
    const { clock, pacer } = this.#options;
    for (;;) {
      if (this.#abandon) throw new Abandoned();
      const beganMs = clock.monotonicMs();
      const next = chunks.next();
      if (next.done === true) break;
      const workMs = clock.monotonicMs() - beganMs;
      const { byteLength } = next.value;
      tell(byteLength);
      yield next.value;
      await pacer.pay(byteLength, workMs);
    }
    const isUndurable = (): boolean => compareZxid(zxid, this.#options.durable()) > 0 && !this.#options.mayBeUndurable;
    while (isUndurable() || this.#isHeldBack) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#abandon) throw new Abandoned();
    }
    this.#isFinishing = true;
  }

  async #send(to: ServerId, attempt: number, signal: AbortSignal): Promise<Zxid | undefined> {
    if (this.#isFinishing) await this.#saving;
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
      chunks: telling(this.#paced(reader.chunks), tell),
      close: () => reader.close(),
    };
  }

  async *#paced(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      const { byteLength } = chunk;
      yield chunk;
      await this.#options.pacer.pay(byteLength);
    }
  }
}

class Abandoned extends Error {}

function isOvertaken(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'SNAPSHOT_OVERTAKEN';
}

/** Passes chunks through, and tells of every fourth. */
export async function* telling(chunks: AsyncIterable<Uint8Array>, tell: () => void): AsyncIterable<Uint8Array> {
  let count = 0;
  for await (const chunk of chunks) {
    if (count++ % PROGRESS_EVERY === 0) tell();
    yield chunk;
  }
}
