import type { Zxid } from '@zkl/consensus';
import type { WatchBatch } from '@zkl/protocol';
import type { ErrorCode } from '@zkl/state-machine';
import { weigh } from './scope-snapshot.js';
import type { EventBatch } from './shared-events.js';
import { eventsToProto, progressToProto, snapshotToProto } from './watch-messages.js';
import type { SnapshotPiece, Watcher, WatchSink } from './watcher.js';

/** What may wait for one client that does not read: beyond it, its watch only keeps its place in the history. */
const QUEUED_BYTES_MAX = 256 * 1024;
const QUEUED_MAX = 1_024;

const MARK_BYTES = 32;

/** The sink of a watch that has a stream of its own: what waits until the stream takes it. */
export class WatchQueue implements WatchSink {
  #batches: { readonly batch: WatchBatch; readonly bytes: number }[] = [];
  #head = 0;
  #bytes = 0;
  #failure: ErrorCode | undefined;
  #wake: () => void = () => undefined;

  get writable(): boolean {
    return this.#bytes < QUEUED_BYTES_MAX && this.#batches.length - this.#head < QUEUED_MAX;
  }

  /** Why the watch ended, once all that came before it was taken. */
  get failure(): ErrorCode | undefined {
    return this.#head === this.#batches.length ? this.#failure : undefined;
  }

  /** The next batch; undefined when none waits. */
  take(): WatchBatch | undefined {
    const next = this.#batches[this.#head];
    if (next === undefined) return undefined;
    this.#head += 1;
    this.#bytes -= next.bytes;
    if (this.#head === this.#batches.length) {
      this.#batches = [];
      this.#head = 0;
    }
    return next.batch;
  }

  /** Resolves when something waits, or the watch has failed, or `wake` was called. */
  async whenFilled(): Promise<void> {
    if (this.#head < this.#batches.length || this.#failure !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake();
  }

  events(_watcher: Watcher, batch: EventBatch): void {
    this.#push(eventsToProto(batch, []), batch.bytes);
  }

  progress(_watcher: Watcher, zxid: Zxid): void {
    this.#push(progressToProto(zxid, []), MARK_BYTES);
  }

  snapshot(watcher: Watcher, piece: SnapshotPiece): void {
    const bytes = piece.entries.reduce((sum, entry) => sum + weigh(entry), MARK_BYTES);
    this.#push(snapshotToProto(piece, watcher.spec.withData, []), bytes);
  }

  fail(_watcher: Watcher, code: ErrorCode): void {
    this.#failure = code;
    this.#wake();
  }

  caughtUp(): void {
    // A stream of its own has no replies that would wait for it.
  }

  #push(batch: WatchBatch, bytes: number): void {
    this.#batches.push({ batch, bytes });
    this.#bytes += bytes;
    this.#wake();
  }
}
