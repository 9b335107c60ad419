import type { ConnectError } from '@connectrpc/connect';
import type { LaneStream, LaneStreamEvents } from '../lane/lane-stream.js';

/** What a stream asks of its connection. */
export interface DirectStreamHooks {
  readonly isWritable: () => boolean;
  readonly send: (frame: Uint8Array) => void;
  /** Reading stops and goes on. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly end: (error: ConnectError | undefined) => void;
}

/** A streaming call on a direct connection. */
export class DirectStream implements LaneStream {
  readonly #hooks: DirectStreamHooks;
  #events: LaneStreamEvents | undefined;
  /** Somebody found that it took no more, and is to be told when it does. */
  #wasFull = false;
  #isOver = false;

  constructor(hooks: DirectStreamHooks) {
    this.#hooks = hooks;
  }

  open(events: LaneStreamEvents): void {
    this.#events = events;
  }

  get writable(): boolean {
    const isWritable = !this.#isOver && this.#hooks.isWritable();
    if (!isWritable) this.#wasFull = true;
    return isWritable;
  }

  send(frame: Uint8Array): void {
    if (!this.#isOver) this.#hooks.send(frame);
  }

  pause(): void {
    if (!this.#isOver) this.#hooks.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#hooks.resume();
  }

  end(error?: ConnectError): void {
    if (!this.#isOver) this.#hooks.end(error);
  }

  // As its connection tells it.

  onMessage(message: Uint8Array): void {
    if (!this.#isOver) this.#events?.onMessage(message);
  }

  onSaidAll(): void {
    if (!this.#isOver) this.#events?.onEnd();
  }

  onWritable(): void {
    if (!this.#wasFull || this.#isOver) return;
    this.#wasFull = false;
    this.#events?.onWritable();
  }

  /** It is over: the client is gone, or gave it up, or it was ended here. Its owner hears of it in a turn of its own, as of HTTP/2's `close`. */
  onGone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const events = this.#events;
    this.#events = undefined;
    queueMicrotask(() => events?.onClose());
  }
}
