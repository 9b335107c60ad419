import { constants } from 'node:http2';
import type { HttpRequest } from './http-types.js';

/** What is still read, and thrown away, of a body that was refused, so that its sender gets to read why. */
const DISCARDED_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The body of a request. Over HTTP/1.1 a body that is not read to its end (because it is too large) must not take the connection with
 * it, as Node's own iterator would: the client would never see the answer.
 */
export function bodyOf(request: HttpRequest): AsyncIterable<Uint8Array> {
  return 'stream' in request ? request : request.iterator({ destroyOnReturn: false });
}

/** Once the answer is written: lets a client that still sends its body come to the end of it, within bounds, and then read the answer. */
export function discardRest(request: HttpRequest): void {
  if ('stream' in request || request.complete || request.destroyed) return;
  let discarded = 0;
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.byteLength;
    if (discarded > DISCARDED_BYTES_MAX) request.destroy();
  });
  request.resume();
}

/** For the trailers, which follow on the last of the answer. */
const TRAILERS_MS = 50;

/**
 * A call over HTTP/2 whose answer ends before its client has said all is closed, so that the client says no more (RFC 9113, 8.1), and nobody waits for it:
 * not a server that stops, either.
 */
export function endWithAnswer(request: HttpRequest): void {
  if (!('stream' in request)) return;
  const { stream } = request;
  stream.once('finish', () => {
    if (request.complete) return;
    setTimeout(() => {
      if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    }, TRAILERS_MS).unref();
  });
}
