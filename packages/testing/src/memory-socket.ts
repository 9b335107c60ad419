import { Duplex } from 'node:stream';
import type { Gate } from './gate.js';

/** What a socket says of its ends. */
export interface SocketEnds {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

type WriteDone = (error?: Error | null) => void;

/**
 * One end of a connection in memory: what node:http, node:http2 and the links between servers use of a net.Socket. Bytes go to the other end through a
 * gate, in order, in a later turn, and are copied; an end that does not read holds the other one up.
 */
export class MemorySocket extends Duplex {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  bytesRead = 0;
  bytesWritten = 0;
  /** Until the other end has accepted; what is written waits. */
  connecting: boolean;
  readonly #out: Gate;
  #other: MemorySocket | undefined;
  #unsent: (() => void)[] = [];
  #heldUp: WriteDone | undefined;
  #isReset = false;
  #closesAtEnd = false;

  /** `out`: the way of what this end writes. */
  constructor(ends: SocketEnds, out: Gate, connecting: boolean) {
    super({ allowHalfOpen: false });
    this.localAddress = ends.localAddress;
    this.localPort = ends.localPort;
    this.remoteAddress = ends.remoteAddress;
    this.remotePort = ends.remotePort;
    this.connecting = connecting;
    this.#out = out;
  }

  /** Both ends know each other: what was written goes out. */
  join(other: MemorySocket): void {
    this.#other = other;
    if (!this.connecting) return;
    this.connecting = false;
    this.emit('connect');
    this.emit('ready');
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const send of unsent) send();
  }

  /** Ends it as the system does for a process that is killed: this end just goes, the other end hears of a reset. */
  reset(): void {
    this.#isReset = true;
    this.destroy();
  }

  /**
   * From now on the end of the other's bytes is the end of this connection, and no `end` is heard. node:http2's wrapper of a stream that is no net.Socket
   * ends its own side at an `end`, and dies of an assertion (ERR_INTERNAL_ASSERTION, the whole process) when the session writes before that is through.
   */
  closeAtEnd(): this {
    this.#closesAtEnd = true;
    return this;
  }

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event !== 'end' || !this.#closesAtEnd) return super.emit(event as 'data', ...values);
    this.destroy();
    return true;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  address(): { address: string; family: string; port: number } {
    return { address: this.localAddress, family: 'IPv4', port: this.localPort };
  }

  /** Ends it once everything is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {
    const heldUp = this.#heldUp;
    this.#heldUp = undefined;
    heldUp?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: WriteDone): void {
    // The writer may use its buffer again as soon as this is done.
    const bytes = Buffer.from(chunk);
    this.bytesWritten += bytes.byteLength;
    this.#send((other) => other.#receive(bytes, done), done);
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: WriteDone): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done);
  }

  override _final(done: WriteDone): void {
    this.#send((other) => {
      if (!other.destroyed) other.push(null);
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.#other;
    const heldUp = this.#heldUp;
    this.#heldUp = undefined;
    // A write of the other end that waited for this one to read goes nowhere.
    heldUp?.();
    if (other !== undefined) this.#farewell(other, this.#isReset || error !== null);
    done(error);
  }

  /** What the other end hears of the end of this one: a reset, or, unless it had it before, the end of the bytes. */
  #farewell(other: MemorySocket, isReset: boolean): void {
    const wasEnded = this.writableFinished;
    this.#out.pass(() => {
      if (other.destroyed) return;
      if (isReset) other.destroy(resetError());
      else if (!wasEnded) other.push(null);
    });
  }

  #send(deliver: (other: MemorySocket) => void, done: WriteDone): void {
    const send = (): void => {
      this.#out.pass(() => {
        const other = this.#other;
        if (other === undefined || other.destroyed) done(this.destroyed ? null : brokenPipe());
        else deliver(other);
      });
    };
    if (this.connecting) this.#unsent.push(send);
    else send();
  }

  #receive(bytes: Buffer, done: WriteDone): void {
    this.bytesRead += bytes.byteLength;
    if (this.push(bytes)) done();
    else this.#heldUp = done;
  }
}

function resetError(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
}

function brokenPipe(): Error {
  return Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' });
}
