import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { toConnectError } from '../errors/connect-error.js';
import { addGrpcDetail } from '../http/framework-errors.js';
import type { Arrival, Intake } from '../http/intake.js';
import { rejected } from '../request/failure.js';
import { PREFIX_BYTES } from './grpc-body.js';

/** What the socket has not taken, at most, before the stream is not writable any more. */
const BUFFERED_BYTES_MAX = 256 * 1024;

const HEADERS: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** What a streaming call on the lane is told. None of it after `onClose`. */
export interface LaneStreamEvents {
  onMessage(message: Uint8Array): void;
  /** The caller says no more. */
  onEnd(): void;
  /** The stream takes messages again. */
  onWritable(): void;
  /** It is over, whoever ended it. Called once. */
  onClose(): void;
}

/** A streaming call on the lane: messages in, messages out, no promises, nothing of Connect but its errors. */
export interface LaneStream {
  /** Reads from now on. */
  open(events: LaneStreamEvents): void;
  /** False while more waits for the socket than should. */
  readonly writable: boolean;
  /** Sends frames that are made already: the same bytes may go to many. */
  send(frame: Uint8Array): void;
  /** Stops and goes on with reading; the caller is held back. */
  pause(): void;
  resume(): void;
  /** Ends the call: well, or with an error. What was sent before arrives. */
  end(error?: ConnectError): void;
}

/** A streaming gRPC call over HTTP/2. */
export class Http2LaneStream implements LaneStream {
  readonly #stream: ServerHttp2Stream;
  readonly #readMaxBytes: number;
  readonly #intake: Intake;
  #arrival: Arrival | undefined;
  #events: LaneStreamEvents | undefined;
  /** What came of the next message, and how many bytes there must be before it is looked at again. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  #wanted = PREFIX_BYTES;
  #ended = false;

  constructor(stream: ServerHttp2Stream, options: { readonly readMaxBytes: number; readonly intake: Intake }) {
    this.#stream = stream;
    this.#readMaxBytes = options.readMaxBytes;
    this.#intake = options.intake;
    stream.on('error', () => undefined);
  }

  open(events: LaneStreamEvents): void {
    const stream = this.#stream;
    this.#events = events;
    stream.respond(HEADERS, { waitForTrailers: true });
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => {
      if (this.#ended) return;
      if (this.#bytes === 0) events.onEnd();
      else this.end(new ConnectError('protocol error: a message that is cut off', Code.InvalidArgument));
    });
    stream.on('drain', () => this.#events?.onWritable());
    stream.once('close', () => {
      this.#ended = true;
      this.#events = undefined;
      this.#drop();
      events.onClose();
    });
  }

  get writable(): boolean {
    return !this.#ended && this.#stream.writableLength < BUFFERED_BYTES_MAX && !this.#stream.writableNeedDrain;
  }

  send(frame: Uint8Array): void {
    if (!this.#ended && !this.#stream.destroyed) this.#stream.write(frame);
  }

  /** By HTTP/2's flow control. */
  pause(): void {
    this.#stream.pause();
    // What does not come now is not the caller's fault.
    this.#arrival?.end();
    this.#arrival = undefined;
  }

  resume(): void {
    this.#stream.resume();
    if (this.#bytes > 0 && !this.#ended) this.#await();
  }

  end(error?: ConnectError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#drop();
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const trailers = setTrailerStatus(new Headers(error?.metadata), error);
    addGrpcDetail(trailers);
    stream.once('wantTrailers', () => {
      if (stream.destroyed || stream.closed) return;
      stream.sendTrailers(Object.fromEntries(trailers));
      // The caller need not say all that it has to say (RFC 9113, 8.1).
      if (!stream.readableEnded) setImmediate(() => stream.close());
    });
    stream.end();
    // What is still sent is of no use.
    stream.resume();
  }

  #onData(chunk: Buffer): void {
    if (this.#ended) return;
    this.#pieces.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes < this.#wanted) return this.#await();
    let bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#bytes);
    this.#drop();
    while (bytes.byteLength >= PREFIX_BYTES) {
      const length = bytes.readUInt32BE(1);
      if (bytes[0] !== 0)
        return this.end(new ConnectError('a compressed message, but no grpc-encoding', Code.Internal));
      if (length > this.#readMaxBytes) {
        return this.end(
          new ConnectError(`the message is larger than ${this.#readMaxBytes} bytes`, Code.ResourceExhausted),
        );
      }
      this.#wanted = PREFIX_BYTES + length;
      if (bytes.byteLength < this.#wanted) break;
      this.#events?.onMessage(bytes.subarray(PREFIX_BYTES, this.#wanted));
      if (this.#ended) return;
      bytes = bytes.subarray(this.#wanted);
      this.#wanted = PREFIX_BYTES;
    }
    if (bytes.byteLength === 0) return;
    this.#pieces.push(bytes);
    this.#bytes = bytes.byteLength;
    this.#await();
  }

  /** The rest of a message has to come in time, and what is there of it counts. */
  #await(): void {
    this.#arrival ??= this.#intake.begin((why) => this.end(toConnectError(rejected(why), 0)));
    this.#arrival.hold(this.#bytes);
  }

  #drop(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#arrival?.end();
    this.#arrival = undefined;
  }
}
