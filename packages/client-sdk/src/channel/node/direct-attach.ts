import { FRAME_HEAD_BYTES, FRAME_MESSAGE, writeFrameHead, type CallRefusal } from '@zkl/wire';
import type { ChannelStream, StreamEnd, StreamListener } from '../channel.js';
import { readRefusal, type DirectCall } from './direct-call.js';
import type { DirectConnection } from './direct-connection.js';

/** What is written and has not left, in bytes, before the writer is asked to wait. */
const BUFFERED_BYTES_MAX = 1_048_576;

/** A {@link ChannelStream} on a direct connection; or, where the server has none, one that is given what this one was told. */
export class DirectAttach implements ChannelStream, DirectCall {
  readonly #path: string;
  readonly #listener: StreamListener;
  readonly #elsewhere: () => ChannelStream;
  readonly #onRef: (on: boolean) => void;
  readonly #onLeave: () => void;
  #connection: DirectConnection | undefined;
  #id = 0;
  #other: ChannelStream | undefined;
  /** Messages given before the connection was there. */
  #early: Uint8Array[] = [];
  #isFull = false;
  #isNeeded = true;
  #isOver = false;

  /**
   * @param hooks - `elsewhere` opens the stream in another way, with the same listener; `onRef` when it begins or ends to need the connection; `onLeave`
   *   when it is over, or went elsewhere.
   */
  constructor(
    path: string,
    listener: StreamListener,
    hooks: {
      readonly elsewhere: () => ChannelStream;
      readonly onRef: (on: boolean) => void;
      readonly onLeave: () => void;
    },
  ) {
    this.#path = path;
    this.#listener = listener;
    this.#elsewhere = hooks.elsewhere;
    this.#onRef = hooks.onRef;
    this.#onLeave = hooks.onLeave;
  }

  begin(connection: DirectConnection): void {
    this.#connection = connection;
    this.#id = connection.start(this, this.#path, undefined);
    for (const message of this.#takeEarly()) this.send(message);
  }

  beginElsewhere(): void {
    this.#isOver = true;
    this.#onLeave();
    const other = this.#elsewhere();
    this.#other = other;
    if (!this.#isNeeded) other.keepAlive(false);
    for (const message of this.#takeEarly()) other.send(message);
  }

  send(message: Uint8Array): boolean {
    if (this.#other !== undefined) return this.#other.send(message);
    const connection = this.#connection;
    if (connection === undefined) this.#early.push(message);
    if (connection === undefined || this.#isOver) return true;
    const framed = new Uint8Array(FRAME_HEAD_BYTES + message.byteLength);
    writeFrameHead(framed, FRAME_MESSAGE, message.byteLength);
    framed.set(message, FRAME_HEAD_BYTES);
    this.#isFull = connection.sendFrame(this.#id, framed) > BUFFERED_BYTES_MAX;
    return !this.#isFull;
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  keepAlive(on: boolean): void {
    this.#isNeeded = on;
    if (this.#other !== undefined) this.#other.keepAlive(on);
    else if (!this.#isOver) this.#onRef(on);
  }

  close(): void {
    if (this.#other !== undefined) return this.#other.close();
    if (this.#isOver) return;
    this.#leave();
    this.#connection?.giveUp(this.#id);
  }

  onMessage(message: Uint8Array): void {
    if (!this.#isOver) this.#listener.onMessage(message);
  }

  onEnd(refusal: CallRefusal | undefined): void {
    if (refusal === undefined) {
      return this.#end({ kind: 'lost', sent: true, reason: 'The server ended the stream', cause: undefined });
    }
    const read = readRefusal(refusal);
    const isUnknown = read.kind === 'refused' && read.code === 'unimplemented' && read.detail === undefined;
    return this.#end(isUnknown ? { kind: 'unimplemented' } : read);
  }

  onDrain(): void {
    if (!this.#isFull || this.#isOver) return;
    this.#isFull = false;
    this.#listener.onDrain();
  }

  garble(reason: string): void {
    this.#end({ kind: 'garbled', reason, cause: undefined });
  }

  fail(reason: string, cause: unknown): void {
    const sent = this.#connection !== undefined;
    this.#connection?.giveUp(this.#id);
    this.#end({ kind: 'lost', sent, reason, cause });
  }

  #takeEarly(): Uint8Array[] {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  #end(end: StreamEnd): void {
    if (this.#isOver) return;
    this.#leave();
    this.#listener.onEnd(end);
  }

  #leave(): void {
    this.#isOver = true;
    this.#early = [];
    this.#onLeave();
  }
}
