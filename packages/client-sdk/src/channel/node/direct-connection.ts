import type { Duplex } from 'node:stream';
import {
  CALL_GREETING,
  CALL_MAGIC,
  decodeCallEnd,
  decodePing,
  decodeSelect,
  encodeCallStart,
  encodeClose,
  encodePing,
  encodeSelect,
  FRAME_END,
  FRAME_GOING,
  FRAME_HEAD_BYTES,
  FRAME_MESSAGE,
  FRAME_PING,
  FRAME_PONG,
  FRAME_SELECT,
  FrameCutter,
  writeFrameHead,
} from '@zkl/wire';
import type { CallOnConnection } from './direct-call.js';
import { ResetPacer } from './reset-pacer.js';

/** Whom a connection tells what becomes of it. Calls are told by themselves. */
export interface DirectConnectionOwner {
  /** There is a connection. */
  onConnected(): void;
  /** The server speaks frames. */
  onReady(): void;
  /** It takes no new calls; those under way may finish. */
  onGoing(): void;
  /** A sign of life that was asked for has come. */
  onAlive(): void;
  /** It is over. `isForeign`: somebody answered, or hung up, who does not speak frames. Called once. */
  onClosed(isForeign: boolean, cause: unknown): void;
}

/** Calls of a client as frames on one connection: see docs/direct-connections.md. */
export class DirectConnection {
  readonly #socket: Duplex;
  readonly #owner: DirectConnectionOwner;
  readonly #cutter: FrameCutter;
  readonly #calls = new Map<number, CallOnConnection>();
  readonly #pacer = new ResetPacer();
  /** What has come of it. */
  #greeting: Uint8Array = new Uint8Array(0);
  #isReady = false;
  #isConnected = false;
  #isOver = false;
  #cause: unknown;
  #ids = 0;
  #outgoing = 0;
  #incoming = 0;

  /** @param socket - Need not stand yet. */
  constructor(socket: Duplex, messageBytesMax: number, owner: DirectConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#cutter = new FrameCutter(messageBytesMax);
    socket.on('connect', () => this.#onConnect());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => this.#onDrain());
    socket.on('error', (error) => {
      this.#cause = error;
    });
    // Half a connection is of no use.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  /** Says what it speaks. Nothing is told before. */
  open(): void {
    this.#write(CALL_MAGIC);
    if ((this.#socket as { connecting?: boolean }).connecting !== true) this.#onConnect();
  }

  /** Calls that are under way. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Begins a call, and answers with its number. */
  start(call: CallOnConnection, path: string, timeoutMs: number | undefined): number {
    const id = this.#nextId();
    this.#calls.set(id, call);
    this.#outgoing = id;
    this.#write(encodeCallStart({ id, timeoutMs, path }));
    return id;
  }

  /** Sends a message of a call. */
  send(id: number, message: Uint8Array): void {
    const head = new Uint8Array(FRAME_HEAD_BYTES);
    writeFrameHead(head, FRAME_MESSAGE, message.byteLength);
    this.#socket.cork();
    this.sendFrame(id, head);
    this.#write(message);
    this.#socket.uncork();
  }

  /** Sends a frame of a call, which must not be changed after. Answers with how many bytes wait. */
  sendFrame(id: number, frame: Uint8Array): number {
    if (this.#outgoing !== id) {
      this.#outgoing = id;
      this.#write(encodeSelect(id));
    }
    this.#write(frame);
    return this.#socket.writableLength;
  }

  /** Nobody waits for this call any more. */
  giveUp(id: number): void {
    if (!this.#calls.delete(id) || this.#isOver) return;
    this.#pacer.reset(() => this.#write(encodeClose(id, true)));
  }

  ping(): void {
    this.#write(encodePing(FRAME_PING, 1));
  }

  /** Whether the connection keeps the process alive. */
  keepAlive(on: boolean): void {
    const socket = this.#socket as { ref?: () => void; unref?: () => void };
    if (on) socket.ref?.();
    else socket.unref?.();
  }

  /** Ends the connection: calls under way are lost. */
  destroy(cause?: Error): void {
    this.#cause ??= cause;
    this.#socket.destroy();
  }

  #onConnect(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#owner.onConnected();
  }

  /** Ends the connection, and tells those that are under way on it why, within this call. */
  close(reason: string): void {
    const calls = this.#over();
    for (const call of calls) call.fail(reason, undefined);
  }

  #nextId(): number {
    do this.#ids = this.#ids === 0xffff_ffff ? 1 : this.#ids + 1;
    while (this.#calls.has(this.#ids));
    return this.#ids;
  }

  #write(bytes: Uint8Array): void {
    if (!this.#isOver && !this.#socket.destroyed) this.#socket.write(bytes);
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver) return;
    const rest = this.#isReady ? chunk : this.#greet(chunk);
    if (rest === undefined) return;
    this.#cutter.push(rest);
    while (!this.#isOver && this.#cutter.next()) {
      if (!this.#onFrame(this.#cutter.kind, this.#cutter.payload)) return this.#garbled('A frame cannot be decoded');
    }
    if (this.#cutter.isTooLarge) this.#garbled('The message is larger than allowed');
  }

  /** The first bytes: what is left of them when they are a server's greeting. */
  #greet(chunk: Buffer): Uint8Array | undefined {
    const bytes = Buffer.concat([this.#greeting, chunk]);
    const length = Math.min(bytes.byteLength, CALL_GREETING.byteLength);
    if (bytes.compare(CALL_GREETING, 0, length, 0, length) !== 0) {
      this.#close(true);
      return undefined;
    }
    this.#greeting = bytes;
    if (length < CALL_GREETING.byteLength) return undefined;
    this.#isReady = true;
    this.#greeting = new Uint8Array(0);
    this.#owner.onReady();
    return bytes.subarray(length);
  }

  #onFrame(kind: number, payload: Uint8Array): boolean {
    switch (kind) {
      case FRAME_MESSAGE:
        // Of a call that was given up meanwhile: the server did not know.
        this.#calls.get(this.#incoming)?.onMessage(payload);
        return this.#incoming !== 0;
      case FRAME_SELECT:
        this.#incoming = decodeSelect(payload) ?? 0;
        return this.#incoming !== 0;
      case FRAME_END:
        return this.#onEndFrame(payload);
      case FRAME_PING: {
        const number = decodePing(payload);
        if (number !== undefined) this.#write(encodePing(FRAME_PONG, number));
        return number !== undefined;
      }
      case FRAME_PONG:
        this.#owner.onAlive();
        return decodePing(payload) !== undefined;
      case FRAME_GOING:
        this.#owner.onGoing();
        return payload.byteLength === 0;
      default:
        return false;
    }
  }

  #onEndFrame(payload: Uint8Array): boolean {
    const end = decodeCallEnd(payload);
    if (end === undefined) return false;
    const call = this.#calls.get(end.id);
    this.#calls.delete(end.id);
    call?.onEnd(end.refusal);
    return true;
  }

  #garbled(reason: string): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.garble(reason);
    this.destroy(new Error(reason));
  }

  #onDrain(): void {
    for (const call of [...this.#calls.values()]) call.onDrain();
  }

  #onClose(): void {
    // A connection that stood, and came to its end before a greeting: whoever is there does not know what this is.
    this.#close(this.#isConnected && !this.#isReady);
  }

  #close(isForeign: boolean): void {
    if (this.#isOver) return;
    const calls = this.#over();
    this.#owner.onClosed(isForeign, this.#cause);
    for (const call of calls) call.fail('The connection was lost', this.#cause);
  }

  /** Nothing is told any more. Answers with the calls that were under way. */
  #over(): CallOnConnection[] {
    this.#isOver = true;
    this.#pacer.close();
    this.#socket.destroy();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    return calls;
  }
}
