import type { ServerId, SnapshotReader, Zxid } from '@zkl/consensus';
import { UNITS_PER_TICK, type EventQueue } from '../event-queue.js';

/** One end of a transfer: the run of a server's process. */
export interface StreamEnd {
  readonly isAlive: boolean;
  /** Calls back unless the process has ended; later, if it is paused. */
  whenAwake(callback: () => void): void;
  /** Undefined until the transport was started. */
  onSnapshot(from: ServerId, attempt: number, zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> | undefined;
}

export interface StreamOptions {
  readonly queue: EventQueue;
  readonly from: ServerId;
  readonly attempt: number;
  readonly snapshot: SnapshotReader;
  readonly signal: AbortSignal;
  readonly sender: StreamEnd;
  readonly receiver: StreamEnd;
  /** Whether both directions are open. */
  readonly isOpen: () => boolean;
  readonly latency: () => number;
}

class StreamCut extends Error {
  override readonly name = 'StreamCut';
}

/** Thrown at the sender when the other end does not want the snapshot. */
class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
}

/** How long a transfer may hang on a connection that lets nothing through before both ends give it up. */
const PATIENCE_TICKS = 20;

/**
 * One snapshot on its way, on a connection of its own: chunk by chunk, each only when the one before was taken. When either process ends or the
 * connection does, the other end learns of it within a tick; what waits at an end whose process is gone waits for ever, like the process.
 */
export class SnapshotStream {
  readonly #options: StreamOptions;
  #error: Error | undefined;
  #isOver = false;
  #closedFor = 0;
  #next: { chunk: Uint8Array | undefined } | undefined;
  #wakeReceiver: (() => void) | undefined;
  #wakeSender: (() => void) | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** Resolves when the receiver has taken all of it; rejects when it did not. */
  async send(): Promise<void> {
    const { snapshot } = this.#options;
    this.#watch();
    let failure: unknown;
    let isDone = false;
    this.#begin(
      () => {
        isDone = true;
        this.#wake('sender');
      },
      (error) => {
        failure = error instanceof Error ? error : new StreamRefused(String(error));
        this.#wake('sender');
      },
    );
    try {
      for await (const chunk of snapshot.chunks) {
        await this.#push(chunk.slice(), () => failure !== undefined);
        if (failure !== undefined) break;
      }
      if (failure === undefined) await this.#push(undefined, () => isDone || failure !== undefined);
      while (!isDone && failure === undefined) await this.#senderWaits();
      if (failure !== undefined) throw new StreamRefused('the snapshot was not taken', { cause: failure });
    } finally {
      this.#isOver = true;
    }
  }

  #begin(onDone: () => void, onFailed: (error: unknown) => void): void {
    const { queue, receiver, from, attempt, snapshot, latency, sender } = this.#options;
    queue.after(latency(), () =>
      receiver.whenAwake(() => {
        const received = receiver.onSnapshot(from, attempt, snapshot.zxid, this.#chunks());
        const later = (tell: () => void): void => queue.after(latency(), () => sender.whenAwake(tell));
        if (received === undefined) return later(() => onFailed('the server is starting'));
        received.then(
          () => later(onDone),
          (error: unknown) => later(() => onFailed(error)),
        );
      }),
    );
  }

  async #push(chunk: Uint8Array | undefined, enough: () => boolean): Promise<void> {
    const { queue, receiver, latency } = this.#options;
    this.#next = { chunk };
    const offered = this.#next;
    queue.after(latency(), () => receiver.whenAwake(() => this.#wake('receiver')));
    while (this.#next === offered && !enough()) await this.#senderWaits();
  }

  async *#chunks(): AsyncIterable<Uint8Array> {
    for (;;) {
      while (this.#next === undefined) await this.#receiverWaits();
      const { chunk } = this.#next;
      this.#next = undefined;
      this.#options.queue.after(this.#options.latency(), () =>
        this.#options.sender.whenAwake(() => this.#wake('sender')),
      );
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  async #senderWaits(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve) => (this.#wakeSender = resolve));
    this.#check();
  }

  async #receiverWaits(): Promise<void> {
    this.#throwIfCut();
    await new Promise<void>((resolve) => (this.#wakeReceiver = resolve));
    this.#throwIfCut();
  }

  #check(): void {
    if (this.#options.signal.aborted) this.#error ??= new StreamCut('the transfer was aborted');
    this.#throwIfCut();
  }

  #throwIfCut(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  #wake(end: 'sender' | 'receiver'): void {
    const wake = end === 'sender' ? this.#wakeSender : this.#wakeReceiver;
    if (end === 'sender') this.#wakeSender = undefined;
    else this.#wakeReceiver = undefined;
    wake?.();
  }

  /** Looks now and then whether both ends still live and can be reached. */
  #watch(): void {
    const { queue, sender, receiver, isOpen, signal } = this.#options;
    queue.after(UNITS_PER_TICK, () => {
      this.#closedFor = isOpen() ? 0 : this.#closedFor + 1;
      const isGone = !sender.isAlive || !receiver.isAlive || this.#closedFor > PATIENCE_TICKS || signal.aborted;
      if (isGone && !this.#isOver) this.#error ??= new StreamCut('the connection ended');
      if (this.#error !== undefined) {
        sender.whenAwake(() => this.#wake('sender'));
        receiver.whenAwake(() => this.#wake('receiver'));
        return;
      }
      if (this.#isOver) return;
      this.#watch();
    });
  }
}
