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
  if (request.complete || request.destroyed) return;
  if ('stream' in request) {
    // A stream that ends before its client has said all: the client is told to say no more (RFC 9113, 8.1).
    request.stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  let discarded = 0;
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.byteLength;
    if (discarded > DISCARDED_BYTES_MAX) request.destroy();
  });
  request.resume();
}
