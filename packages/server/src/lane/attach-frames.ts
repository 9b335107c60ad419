import { PREFIX_BYTES } from './grpc-body.js';

/** `AttachRequest.operations` and `AttachResponse.replies`: number and wire type (2, with a length) of the field, in one byte. */
const OPERATIONS_TAG = (2 << 3) | 2;
const REPLIES_TAG = (3 << 3) | 2;

/**
 * The operations of an AttachRequest that has nothing else, as a view of its bytes; undefined for every other message. That is nearly all that a client
 * says: told by its first bytes, it needs no message object. Everything else is the schema's.
 */
export function operationsOf(request: Uint8Array): Uint8Array | undefined {
  if (request[0] !== OPERATIONS_TAG) return undefined;
  let length = 0;
  for (let at = 1, shift = 0; shift < 28; at += 1, shift += 7) {
    const byte = request[at];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    // None is a message without anything, and more behind it is for the schema.
    return length > 0 && at + 1 + length === request.byteLength ? request.subarray(at + 1) : undefined;
  }
  return undefined;
}

/** An AttachResponse that has replies and nothing else, as a gRPC frame: the bytes that the schema makes, made in one piece. `replies`: at least one. */
export function repliesFrame(replies: Uint8Array): Buffer {
  let lengthBytes = 1;
  for (let rest = replies.byteLength; rest >= 0x80; rest >>>= 7) lengthBytes += 1;
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + 1 + lengthBytes + replies.byteLength);
  frame[0] = 0;
  frame.writeUInt32BE(frame.byteLength - PREFIX_BYTES, 1);
  frame[PREFIX_BYTES] = REPLIES_TAG;
  let at = PREFIX_BYTES + 1;
  let rest = replies.byteLength;
  for (; rest >= 0x80; rest >>>= 7) frame[at++] = (rest & 0x7f) | 0x80;
  frame[at++] = rest;
  frame.set(replies, at);
  return frame;
}
