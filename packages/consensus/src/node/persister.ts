import { weightOf } from '../core/block.js';
import type { Envelope, PersistBatch } from '../core/core-io.js';
import type { LogStore, LogWrite } from './ports.js';
import { asError } from './as-error.js';

/**
 * More than this is written in several steps: a learner that catches up acknowledges each, so that its leader sees that it gets on however slow its
 * disk is, and nobody waits behind a long write.
 */
const GROUP_BYTES_MAX = 4 << 20;

export interface PersisterEvents {
  /** These batches are durable. */
  onPersisted(batches: readonly PersistBatch[]): void;
  /** The disk is full (true), or has room again (false). Nothing was lost: what waits is tried again. */
  onDiskFull(full: boolean): void;
  onFatal(error: Error): void;
}

/**
 * Group commit: one write is under way at a time, and whatever comes meanwhile makes the next one. A failed write is never tried again,
 * save one that the store refused for want of room before it touched anything.
 */
export class Persister {
  readonly #store: LogStore;
  readonly #events: PersisterEvents;
  readonly #queue: PersistBatch[] = [];
  #busy = false;
  #held = false;
  #diskFull = false;
  #failed = false;
  #idle: (() => void)[] = [];

  constructor(store: LogStore, events: PersisterEvents) {
    this.#store = store;
    this.#events = events;
  }

  add(batch: PersistBatch): void {
    this.#queue.push(batch);
    this.#flush();
  }

  /** Tries again what a full disk refused. */
  retry(): void {
    if (this.#diskFull && !this.#busy) this.#flush(true);
  }

  /** Resolves when nothing is under way; what comes afterwards waits for `resume`. */
  async hold(): Promise<void> {
    this.#held = true;
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  resume(): void {
    this.#held = false;
    this.#flush();
  }

  /** Resolves when all that was added is durable, or cannot become so. */
  async drain(): Promise<void> {
    while (this.#busy && !this.#failed) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #flush(again = false): void {
    if (this.#busy || this.#held || this.#failed || this.#queue.length === 0) return;
    if (this.#diskFull && !again) return;
    const batches = this.#takeGroup();
    this.#busy = true;
    this.#store.write(mergeBatches(batches)).then(
      () => this.#onWritten(batches),
      (error: unknown) => this.#onFailed(batches, error),
    );
  }

  /** As many batches as one write can hold: a cut comes first in a write, and hard state last, so each ends a group on its side. */
  #takeGroup(): PersistBatch[] {
    let size = 1;
    let bytes = bytesIn(this.#queue[0]!);
    while (size < this.#queue.length) {
      bytes += bytesIn(this.#queue[size]!);
      if (bytes > GROUP_BYTES_MAX) break;
      if (this.#queue[size - 1]!.hardState !== undefined || this.#queue[size]!.truncateTo !== undefined) break;
      size++;
    }
    return this.#queue.splice(0, size);
  }

  #onWritten(batches: readonly PersistBatch[]): void {
    this.#busy = false;
    this.#setDiskFull(false);
    this.#events.onPersisted(batches);
    this.#flush();
    this.#wakeIdle();
  }

  #onFailed(batches: PersistBatch[], error: unknown): void {
    this.#busy = false;
    if (isDiskFull(error)) {
      this.#queue.unshift(...batches);
      this.#setDiskFull(true);
    } else {
      this.#failed = true;
      this.#events.onFatal(asError(error));
    }
    this.#wakeIdle();
  }

  #setDiskFull(full: boolean): void {
    if (this.#diskFull === full) return;
    this.#diskFull = full;
    this.#events.onDiskFull(full);
  }

  #wakeIdle(): void {
    if (this.#busy) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}

function bytesIn({ blocks }: PersistBatch): number {
  let bytes = 0;
  for (const block of blocks) bytes += weightOf(block);
  return bytes;
}

export function isDiskFull(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'DISK_FULL';
}

function mergeBatches(batches: readonly PersistBatch[]): LogWrite {
  if (batches.length === 1) return batches[0]!;
  const last = batches[batches.length - 1]!;
  return {
    truncateTo: batches[0]!.truncateTo,
    blocks: batches.flatMap((batch) => batch.blocks as PersistBatch['blocks'][number][]),
    hardState: last.hardState,
    repaired: batches.some((batch) => batch.repaired),
  };
}

/** What may be said now that these batches are durable; of several cumulative acks to one leader only the last. */
export function releasedBy(batches: readonly PersistBatch[]): Envelope[] {
  const released = batches.flatMap((batch) => batch.release as Envelope[]);
  const isStaleAck = (envelope: Envelope, index: number): boolean =>
    envelope.message.kind === 'ack' &&
    released.some((later, at) => at > index && later.message.kind === 'ack' && later.to === envelope.to);
  return released.length < 2 ? released : released.filter((envelope, index) => !isStaleAck(envelope, index));
}
