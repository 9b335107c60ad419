import { toBinary } from '@bufbuild/protobuf';
import { WatchBatchSchema } from '@zkl/protocol';
import type { EventBatch } from '../watch/shared-events.js';
import { eventsToProto } from '../watch/watch-messages.js';
import { PREFIX_BYTES } from './grpc-body.js';

/** `AttachResponse.events` and `WatchBatch.watch_ids`: number and wire type (2, with a length) of the field, in one byte. */
const EVENTS_TAG = (2 << 3) | 2;
const IDS_TAG = (1 << 3) | 2;

/** What was made of a batch, for as long as the batch is kept. */
interface Made {
  /** All but whom it is for. */
  readonly body: Uint8Array;
  /** The last frame, and whom it was for. */
  ids: readonly number[];
  frame: Buffer | undefined;
}

const MADE = new WeakMap<EventBatch, Made>();

/**
 * An AttachResponse that has one batch of events and nothing else, as a gRPC frame: the bytes that the schema makes. A change that many streams are told of is
 * encoded once; and one whose watches have the same ids on one stream as on the one before, as where programs of one kind watch the same, is framed once.
 *
 * @param ids - The watches that it is for: at least one.
 */
export function eventsFrame(batch: EventBatch, ids: readonly number[]): Uint8Array {
  let made = MADE.get(batch);
  if (made === undefined) {
    made = { body: toBinary(WatchBatchSchema, eventsToProto(batch, [])), ids: [], frame: undefined };
    MADE.set(batch, made);
  }
  if (made.frame === undefined || !areSame(made.ids, ids)) {
    made.ids = ids;
    made.frame = frameOf(made.body, ids);
  }
  return made.frame;
}

function frameOf(body: Uint8Array, ids: readonly number[]): Buffer {
  let idBytes = 0;
  for (const id of ids) idBytes += varintBytes(id);
  const batchBytes = 1 + varintBytes(idBytes) + idBytes + body.byteLength;
  const messageBytes = 1 + varintBytes(batchBytes) + batchBytes;
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + messageBytes);
  frame[0] = 0;
  frame.writeUInt32BE(messageBytes, 1);
  frame[PREFIX_BYTES] = EVENTS_TAG;
  let at = putVarint(frame, PREFIX_BYTES + 1, batchBytes);
  frame[at] = IDS_TAG;
  at = putVarint(frame, at + 1, idBytes);
  for (const id of ids) at = putVarint(frame, at, id);
  frame.set(body, at);
  return frame;
}

function areSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((id, index) => id === others[index]);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) bytes += 1;
  return bytes;
}

/** Answers with where it ends. */
function putVarint(frame: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value >>> 0;
  for (; rest >= 0x80; rest >>>= 7) frame[at++] = (rest & 0x7f) | 0x80;
  frame[at++] = rest;
  return at;
}
