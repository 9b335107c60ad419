import { fromBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import {
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { UnaryMethod, UnaryResult } from '../channel.js';
import { parseErrorBody } from '../error-body.js';
import type { ResetPacer } from './reset-pacer.js';

/** An error's body above this is not ours. */
const ERROR_BYTES_MAX = 65_536;

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** Answers of proxies and of servers that are going away: another try may do. */
const PASSING_STATUS = new Set([429, 502, 503, 504]);

/**
 * One unary call of the Connect protocol on one HTTP/2 stream: a POST with the request's bytes, answered by 200 with the
 * reply's bytes, or by another status with a JSON error. Nothing is compressed.
 */
export class Http2Call<O extends DescMessage> {
  readonly #output: O;
  readonly #onResult: (result: UnaryResult<MessageShape<O>>) => void;
  readonly #messageBytesMax: number;
  #stream: ClientHttp2Stream | undefined;
  #settled = false;
  #status = 0;
  #contentType = '';
  #contentEncoding = '';
  #chunks: Buffer[] = [];
  #byteLength = 0;

  constructor(output: O, messageBytesMax: number, onResult: (result: UnaryResult<MessageShape<O>>) => void) {
    this.#output = output;
    this.#messageBytesMax = messageBytesMax;
    this.#onResult = onResult;
  }

  send(
    session: ClientHttp2Session,
    method: UnaryMethod<DescMessage, O>,
    timeoutMs: number | undefined,
    body: Uint8Array,
  ): void {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${method.parent.typeName}/${method.name}`,
      'content-type': 'application/proto',
      'connect-protocol-version': '1',
      ...(timeoutMs !== undefined && { 'connect-timeout-ms': String(Math.ceil(timeoutMs)) }),
    });
    this.#stream = stream;
    stream.on('response', (headers) => this.#onResponse(headers));
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => this.#onEnd());
    stream.on('error', (error) => this.#onClose(stream.rstCode, error));
    stream.on('close', () => this.#onClose(stream.rstCode, undefined));
    stream.end(body);
  }

  /** See {@link CancelCall}. */
  cancel(pacer: ResetPacer): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#chunks = [];
    const stream = this.#stream;
    if (stream === undefined) return false;
    const takeBack = pacer.reset(() => stream.close(NGHTTP2_CANCEL));
    stream.once('close', takeBack);
    return true;
  }

  /** Ends the call from outside. */
  fail(reason: string, cause: unknown): void {
    if (this.#settled) return;
    this.#stream?.close(NGHTTP2_CANCEL);
    this.#settle({ kind: 'lost', sent: this.#stream !== undefined, reason, cause });
  }

  #settle(result: UnaryResult<MessageShape<O>>): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#chunks = [];
    this.#onResult(result);
  }

  #onResponse(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#status = headers[':status'] ?? 0;
    this.#contentType = headers['content-type'] ?? '';
    this.#contentEncoding = headers['content-encoding'] ?? '';
  }

  #onData(chunk: Buffer): void {
    this.#byteLength += chunk.byteLength;
    const limit = this.#status === 200 ? this.#messageBytesMax : ERROR_BYTES_MAX;
    if (this.#byteLength <= limit) {
      if (!this.#settled) this.#chunks.push(chunk);
      return;
    }
    // Also when nobody waits for it any more: it may never end.
    this.#stream?.close(NGHTTP2_CANCEL);
    this.#garbled(`The reply is larger than ${limit} bytes`, undefined);
  }

  #onEnd(): void {
    // A stream that is reset also ends: only 'close' tells the two apart, and it follows at once.
    if (this.#settled || this.#status === 0 || this.#stream?.aborted === true || this.#stream?.rstCode) return;
    const [first] = this.#chunks;
    const body = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    if (this.#status !== 200) this.#refused(body);
    else this.#answered(body);
  }

  #answered(body: Buffer): void {
    if (
      this.#contentType !== 'application/proto' ||
      (this.#contentEncoding !== '' && this.#contentEncoding !== 'identity')
    ) {
      this.#garbled(`The reply is not a zkl message: content-type ${JSON.stringify(this.#contentType)}`, undefined);
      return;
    }
    let message: MessageShape<O>;
    try {
      message = fromBinary(this.#output, body);
    } catch (error) {
      this.#garbled('The reply cannot be decoded', error);
      return;
    }
    this.#settle({ kind: 'answer', message });
  }

  #refused(body: Buffer): void {
    const refusal = this.#contentType.startsWith('application/json') ? parseErrorBody(body) : undefined;
    if (refusal !== undefined) this.#settle(refusal);
    else if (PASSING_STATUS.has(this.#status)) {
      this.#settle({
        kind: 'lost',
        sent: true,
        reason: `The server answered with HTTP status ${this.#status}`,
        cause: undefined,
      });
    } else this.#garbled(`The server answered with HTTP status ${this.#status} and no zkl error`, undefined);
  }

  #garbled(reason: string, cause: unknown): void {
    this.#settle({ kind: 'garbled', reason, cause });
  }

  #onClose(rstCode: number | undefined, cause: unknown): void {
    if (this.#settled) return;
    // RFC 9113, 8.7: a refused stream was certainly not processed.
    const sent = rstCode !== NGHTTP2_REFUSED_STREAM;
    this.#settle({ kind: 'lost', sent, reason: 'The connection was lost before the answer', cause });
  }
}
