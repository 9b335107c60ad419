import type { ConnectError } from '@connectrpc/connect';
import type { LaneStream, LaneStreamEvents } from '../lane/lane-stream.js';

/** What streams ask of their connection. */
export interface StreamCarrier {
  /** Whether the socket takes more. */
  readonly isWritable: boolean;
  send(id: number, frame: Uint8Array): void;
  /** Reading stops, and goes on, for this stream's sake. */
  pause(id: number): void;
  resume(id: number): void;
  end(id: number, error: ConnectError | undefined): void;
}

/** A streaming call on a direct connection. */
export class DirectStream implements LaneStream {
  readonly #carrier: StreamCarrier;
  readonly #id: number;
  #events: LaneStreamEvents | undefined;
  /** Somebody found that it took no more, and is to be told when it does. */
  #wasFull = false;
  #isOver = false;

  constructor(carrier: StreamCarrier, id: number) {
    this.#carrier = carrier;
    this.#id = id;
  }

  open(events: LaneStreamEvents): void {
    this.#events = events;
  }

  get writable(): boolean {
    const isWritable = !this.#isOver && this.#carrier.isWritable;
    if (!isWritable) this.#wasFull = true;
    return isWritable;
  }

  send(frame: Uint8Array): void {
    if (!this.#isOver) this.#carrier.send(this.#id, frame);
  }

  pause(): void {
    if (!this.#isOver) this.#carrier.pause(this.#id);
  }

  resume(): void {
    if (!this.#isOver) this.#carrier.resume(this.#id);
  }

  end(error?: ConnectError): void {
    if (!this.#isOver) this.#carrier.end(this.#id, error);
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
