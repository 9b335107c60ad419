import type { DescMethodBiDiStreaming } from '@bufbuild/protobuf';
import {
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { ChannelStream, StreamEnd, StreamListener } from '../channel.js';
import { parseErrorBody } from '../error-body.js';
import { FrameCutter } from '@zkl/wire';
import { readGrpcStatus } from './grpc-status.js';

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** What is written and has not left, in bytes, before the writer is asked to wait. */
const BUFFERED_BYTES_MAX = 1_048_576;
/** An error's body above this is not ours. */
const ERROR_BYTES_MAX = 65_536;
const CONTENT_TYPE = 'application/grpc+proto';
/** What servers answer with. */
const CONTENT_TYPES: ReadonlySet<string> = new Set([CONTENT_TYPE, 'application/grpc']);
/** How a server, or what stands before it, says that there is no such method. */
const UNKNOWN_STATUS = new Set([404, 405, 415, 501, 505]);

/**
 * A {@link ChannelStream} of the gRPC protocol on one HTTP/2 stream: messages with five bytes before each, uncompressed. Servers have a short way for it.
 */
export class Http2Attach implements ChannelStream {
  readonly #listener: StreamListener;
  readonly #onRef: (on: boolean) => void;
  readonly #onLeave: () => void;
  readonly #messageBytesMax: number;
  readonly #cutter: FrameCutter;
  #stream: ClientHttp2Stream | undefined;
  /** Messages given before the connection was there. */
  #early: Uint8Array[] = [];
  #status = 0;
  #trailers: IncomingHttpHeaders | undefined;
  #contentType = '';
  readonly #errorBody: Buffer[] = [];
  #errorBytes = 0;
  #full = false;
  #ended = false;

  /** @param hooks - The connection's own: `onRef` when the stream begins or ends to need it, `onLeave` when it is over. */
  constructor(
    messageBytesMax: number,
    listener: StreamListener,
    hooks: { readonly onRef: (on: boolean) => void; readonly onLeave: () => void },
  ) {
    this.#listener = listener;
    this.#onRef = hooks.onRef;
    this.#onLeave = hooks.onLeave;
    this.#messageBytesMax = messageBytesMax;
    this.#cutter = new FrameCutter(messageBytesMax);
  }

  start(session: ClientHttp2Session, method: DescMethodBiDiStreaming): void {
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': `/${method.parent.typeName}/${method.name}`,
        'content-type': CONTENT_TYPE,
        te: 'trailers',
      },
      { endStream: false },
    );
    this.#stream = stream;
    stream.on('response', (headers) => this.#onResponse(stream, headers));
    // Looked at once what came before them was read.
    stream.on('trailers', (trailers: IncomingHttpHeaders) => (this.#trailers = trailers));
    stream.on('end', () => this.#onStreamEnd());
    stream.on('error', (error) => this.#onClose(stream.rstCode, error));
    stream.on('close', () => this.#onClose(stream.rstCode, undefined));
    stream.on('drain', () => this.#onDrain());
    const early = this.#early;
    this.#early = [];
    for (const message of early) this.send(message);
  }

  send(message: Uint8Array): boolean {
    const stream = this.#stream;
    if (stream === undefined) {
      this.#early.push(message);
      return true;
    }
    if (this.#ended || stream.destroyed || stream.writableEnded) return true;
    const framed = Buffer.allocUnsafe(message.byteLength + 5);
    framed[0] = 0;
    framed.writeUInt32BE(message.byteLength, 1);
    framed.set(message, 5);
    stream.write(framed);
    this.#full = stream.writableLength > BUFFERED_BYTES_MAX;
    return !this.#full;
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  keepAlive(on: boolean): void {
    if (!this.#ended) this.#onRef(on);
  }

  close(): void {
    if (this.#ended) return;
    this.#leave();
    this.#stream?.close(NGHTTP2_CANCEL);
  }

  /** Ends the stream from outside. */
  fail(reason: string, cause: unknown): void {
    const sent = this.#stream !== undefined;
    this.#stream?.close(NGHTTP2_CANCEL);
    this.#end({ kind: 'lost', sent, reason, cause });
  }

  #onDrain(): void {
    if (!this.#full || this.#ended) return;
    this.#full = false;
    this.#listener.onDrain();
  }

  #onResponse(stream: ClientHttp2Stream, headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#status = headers[':status'] ?? 0;
    this.#contentType = headers['content-type'] ?? '';
    // An error before the first message has no trailers: its headers are all there is.
    if (headers['grpc-status'] !== undefined) this.#trailers = headers;
    // Only now: node:http2 tells of headers a moment later than of data that came in the same packet.
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  #onData(chunk: Buffer): void {
    if (this.#ended) return;
    if (this.#status !== 200) return this.#onErrorBody(chunk);
    if (!CONTENT_TYPES.has(this.#contentType)) {
      return this.#garbled(`The reply is not a zkl stream: content-type ${JSON.stringify(this.#contentType)}`);
    }
    const cutter = this.#cutter;
    cutter.push(chunk);
    while (cutter.next()) this.#onEnvelope(cutter.kind, cutter.payload);
    if (cutter.isTooLarge) this.#garbled(`The message is larger than ${this.#messageBytesMax} bytes`);
  }

  #onErrorBody(chunk: Buffer): void {
    this.#errorBytes += chunk.byteLength;
    if (this.#errorBytes > ERROR_BYTES_MAX) this.#garbled('The error is too large');
    else this.#errorBody.push(chunk);
  }

  #onEnvelope(flags: number, payload: Uint8Array): void {
    if (this.#ended) return;
    if (flags !== 0) this.#garbled('The message is compressed, which nobody asked for');
    else this.#listener.onMessage(payload);
  }

  #onStatus(status: Exclude<ReturnType<typeof readGrpcStatus>, undefined>): void {
    if (status === 'ok') {
      this.#end({ kind: 'lost', sent: true, reason: 'The server ended the stream', cause: undefined });
    } else {
      this.#end(status.code === 'unimplemented' && status.detail === undefined ? { kind: 'unimplemented' } : status);
    }
    this.#stream?.close();
  }

  #onStreamEnd(): void {
    if (this.#ended) return;
    const status = this.#trailers && readGrpcStatus(this.#trailers);
    if (status !== undefined) return this.#onStatus(status);
    if (this.#status === 0 || this.#stream?.aborted === true || this.#stream?.rstCode) return;
    if (this.#status === 200) return;
    const refusal = this.#contentType.startsWith('application/json')
      ? parseErrorBody(Buffer.concat(this.#errorBody))
      : undefined;
    if (UNKNOWN_STATUS.has(this.#status) && refusal?.detail === undefined) this.#end({ kind: 'unimplemented' });
    else if (refusal !== undefined) this.#end(refusal);
    else {
      const reason = `The server answered with HTTP status ${this.#status}`;
      this.#end({ kind: 'lost', sent: true, reason, cause: undefined });
    }
  }

  #garbled(reason: string): void {
    this.#stream?.close(NGHTTP2_CANCEL);
    this.#end({ kind: 'garbled', reason, cause: undefined });
  }

  #onClose(rstCode: number | undefined, cause: unknown): void {
    const sent = rstCode !== NGHTTP2_REFUSED_STREAM;
    this.#end({ kind: 'lost', sent, reason: 'The connection was lost', cause });
  }

  #end(end: StreamEnd): void {
    if (this.#ended) return;
    this.#leave();
    this.#listener.onEnd(end);
  }

  #leave(): void {
    this.#ended = true;
    this.#early = [];
    this.#onLeave();
  }
}
