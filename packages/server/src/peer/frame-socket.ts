import type { Socket } from 'node:net';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { encodeRefusal } from './handshake-codec.js';
import { PeerError, peerErrorOf, REFUSAL_CODES, type RefusalCode } from './peer-error.js';

/** How long what is in no hurry waits for something to go with, in milliseconds. */
const RIDE_WAIT_MS = 2;
/** How long a refused connection stays open, so that the other side can read why. */
const LINGER_MS = 1_000;

/**
 * A socket that carries frames. Frames written in one turn leave in one write, in a microtask after the code that wrote them; nothing waits for a
 * timer but what its writer said is in no hurry. Reading goes on only while someone reads.
 */
export class FrameSocket {
  readonly writer = new FrameWriter();
  /** Where the other side is, for logs. */
  readonly remote: string;
  /** Bytes came in since this was last set to false. */
  heard = false;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #bufferedBytesMax: number;
  #onFrame: ((frame: Buffer) => void) | undefined;
  #onClosed = new Set<(error: PeerError) => void>();
  #onHeard: (() => void) | undefined;
  #error: PeerError | undefined;
  #draining = false;
  #flushQueued = false;
  #rideTimer: NodeJS.Timeout | undefined;

  /** `head`: bytes of the first frames that were read already. */
  constructor(
    socket: Socket,
    limits: { readonly frameBytesMax: number; readonly bufferedBytesMax: number },
    head?: Buffer,
  ) {
    this.#socket = socket;
    this.#reader = new FrameReader(limits.frameBytesMax);
    this.#bufferedBytesMax = limits.bufferedBytesMax;
    this.remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    if (head !== undefined) this.#reader.push(head);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.pause();
    socket.on('data', (piece: Buffer) => this.#onData(piece));
    socket.on('error', (error) =>
      this.#closed(new PeerError('LINK_CLOSED', `the connection failed: ${error.message}`, { cause: error })),
    );
    // Half a connection is of no use, whatever the socket was made to allow.
    socket.on('end', () => this.close(new PeerError('LINK_CLOSED', 'the other side closed the connection')));
    socket.on('close', () => this.#closed(new PeerError('LINK_CLOSED', 'the connection was closed')));
    if (socket.destroyed) this.#closed(new PeerError('LINK_CLOSED', 'the connection was closed'));
  }

  /** Why it ended; undefined while it has not. */
  get error(): PeerError | undefined {
    return this.#error;
  }

  /** Bytes written that the system has not taken yet. */
  get bufferedBytes(): number {
    return this.writer.queuedBytes + this.#socket.writableLength;
  }

  set frameBytesMax(bytes: number) {
    this.#reader.bytesMax = bytes;
  }

  /** Hands every frame to `onFrame` from now on, those that wait first. */
  read(onFrame: (frame: Buffer) => void): void {
    this.#onFrame = onFrame;
    this.#drain();
    if (this.#onFrame !== undefined && this.#error === undefined) this.#socket.resume();
  }

  /** Stops reading: what comes waits, at last in the sender. The end of the connection is not noticed meanwhile. */
  hold(): void {
    this.#onFrame = undefined;
    this.#socket.pause();
  }

  /** The next frame, and no more. Rejects with the `PeerError` that ended the connection. */
  nextFrame(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const forget = this.onClosed(reject);
      if (this.#error !== undefined) return;
      this.read((frame) => {
        this.hold();
        forget();
        resolve(frame);
      });
    });
  }

  /** Calls back once when the connection has ended, also when it already has. Returns what takes the wish back. */
  onClosed(callback: (error: PeerError) => void): () => void {
    const error = this.#error;
    if (error === undefined) this.#onClosed.add(callback);
    else queueMicrotask(() => callback(error));
    return () => void this.#onClosed.delete(callback);
  }

  /** Calls back once, at the next bytes that come in. */
  onHeard(callback: (() => void) | undefined): void {
    this.#onHeard = callback;
  }

  /** Sees to it that what was written leaves after the present code has run. The connection ends, with SLOW_PEER, when too much waits. */
  flushSoon(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(() => {
      // Here and not where it was written: whoever sends is not to be told of the loss in the middle of it.
      if (this.bufferedBytes > this.#bufferedBytesMax) this.close(this.#tooSlow());
      else this.flush();
    });
  }

  /** As `flushSoon`, but what was written may wait a little, so that it leaves with what comes next: in the same order, in one write. */
  flushWithNext(): void {
    if (this.#flushQueued) return;
    this.#rideTimer ??= setTimeout(() => {
      this.#rideTimer = undefined;
      if (this.writer.queuedBytes > 0) this.flushSoon();
    }, RIDE_WAIT_MS);
  }

  #tooSlow(): PeerError {
    const detail = `${this.bufferedBytes} bytes wait for it; ${this.#bufferedBytesMax} are allowed`;
    return new PeerError('SLOW_PEER', `the peer does not keep up: ${detail}`);
  }

  /** Hands what was written to the socket, in one write. True when the socket wants more at once. */
  flush(): boolean {
    this.#flushQueued = false;
    const chunks = this.writer.take();
    if (this.#error !== undefined) return false;
    return this.write(chunks);
  }

  /** Writes frames that are bytes already, in one write. */
  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (chunks.length === 1 && chunks[0] !== undefined) return socket.write(chunks[0]);
    socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  /** Resolves when the socket wants more, or has ended. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (this.#error !== undefined || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }

  /** Ends the connection now. */
  close(error: PeerError): void {
    this.#closed(error);
    this.#socket.destroy();
  }

  /** Tells the other side why, if that is a thing to tell, and ends the connection. */
  refuse(error: PeerError): void {
    if (this.#error !== undefined) return;
    if (!isRefusalCode(error.code)) {
      this.close(error);
      return;
    }
    this.flush();
    this.write([encodeRefusal({ code: error.code, detail: error.message })]);
    this.#end(error);
  }

  /** Sends what was written, then ends the connection; at last it is cut. */
  end(error: PeerError): void {
    if (this.#error !== undefined) return;
    this.flush();
    this.#end(error);
  }

  #end(error: PeerError): void {
    const socket = this.#socket;
    this.#closed(error);
    socket.end();
    // What still comes is thrown away: closing over unread bytes would reset the connection, and the other side would never read why.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  /** Resolves when the socket is closed. */
  whenClosed(): Promise<void> {
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  #onData(piece: Buffer): void {
    this.heard = true;
    if (this.#onHeard !== undefined) {
      const heard = this.#onHeard;
      this.#onHeard = undefined;
      heard();
    }
    if (this.#error !== undefined) return;
    this.#reader.push(piece);
    this.#drain();
  }

  #drain(): void {
    // A handler that asks to read on is served by the loop that called it.
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#onFrame !== undefined && this.#error === undefined) {
        const frame = this.#nextFrame();
        if (frame === undefined) break;
        this.#onFrame(frame);
      }
    } finally {
      this.#draining = false;
    }
  }

  #nextFrame(): Buffer | undefined {
    try {
      return this.#reader.next();
    } catch (error) {
      this.refuse(peerErrorOf(error, 'MALFORMED_FRAME'));
      return undefined;
    }
  }

  #closed(error: PeerError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#onFrame = undefined;
    clearTimeout(this.#rideTimer);
    this.writer.take();
    const callbacks = this.#onClosed;
    this.#onClosed = new Set();
    for (const callback of callbacks) callback(error);
  }
}

function isRefusalCode(code: string): code is RefusalCode {
  return (REFUSAL_CODES as readonly string[]).includes(code);
}
