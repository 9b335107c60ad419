import { encodeBytesField, FRAME_HEAD_BYTES, FRAME_MESSAGE, onlyBytesField, writeFrameHead } from '@zkl/wire';

const OPERATIONS_FIELD = 2;
const REPLIES_FIELD = 3;

/** The operations of an AttachRequest that has nothing else, as a view of its bytes; undefined for every other message. */
export function operationsOf(request: Uint8Array): Uint8Array | undefined {
  return onlyBytesField(OPERATIONS_FIELD, request);
}

/** An AttachResponse that has replies and nothing else, as a gRPC frame: the bytes that the schema makes. `replies`: at least one. */
export function repliesFrame(replies: Uint8Array): Uint8Array {
  const frame = encodeBytesField(REPLIES_FIELD, replies, FRAME_HEAD_BYTES);
  writeFrameHead(frame, FRAME_MESSAGE, frame.byteLength - FRAME_HEAD_BYTES);
  return frame;
}
