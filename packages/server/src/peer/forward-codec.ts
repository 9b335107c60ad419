import type { RefusalReason } from '@zkl/consensus';
import type { ForwardReply } from './forward-reply.js';
import { FRAME } from './frame.js';
import type { FrameCursor } from './frame-cursor.js';
import type { FrameWriter } from './frame-writer.js';

/** A frame takes no more operations or replies once it holds this much. */
const BATCH_BYTES = 1024 * 1024;
const COUNT_BYTES = 4;

/** One forwarded write. `request` is unique on its link. */
export interface ForwardRequest {
  readonly request: number;
  readonly operation: Uint8Array;
}

/** The answer to one. */
export interface ForwardAnswer {
  readonly request: number;
  readonly reply: ForwardReply;
}

/** The numbers on the wire: a new reason gets a new one. */
const REASON_NUMBERS: Readonly<Record<RefusalReason, number>> = {
  notLeader: 0,
  noQuorum: 1,
  leaving: 2,
  overloaded: 3,
  diskFull: 4,
};
const REASONS = Object.keys(REASON_NUMBERS) as RefusalReason[];
const REPLIES = ['result', 'refused', 'unknown'] as const;

/** Writes all requests, in as few frames as their size allows. */
export function encodeForwards(writer: FrameWriter, requests: readonly ForwardRequest[]): void {
  writeBatches(writer, FRAME.forward, requests, requestBytes, (request) => {
    writer.u32(request.request);
    writer.u32(request.operation.byteLength);
    writer.bytes(request.operation);
  });
}

export function decodeForwards(cursor: FrameCursor): readonly ForwardRequest[] {
  return readBatch(cursor, () => ({ request: cursor.u32(), operation: cursor.bytes(cursor.u32()) }));
}

/** Writes all answers, in as few frames as their size allows. */
export function encodeForwardReplies(writer: FrameWriter, answers: readonly ForwardAnswer[]): void {
  writeBatches(writer, FRAME.forwardReply, answers, answerBytes, ({ request, reply }) => {
    writer.u32(request);
    writer.u8(REPLIES.indexOf(reply.kind));
    if (reply.kind === 'refused') writer.u8(REASON_NUMBERS[reply.reason]);
    if (reply.kind !== 'result') return;
    writer.u32(reply.result.byteLength);
    writer.bytes(reply.result);
  });
}

export function decodeForwardReplies(cursor: FrameCursor): readonly ForwardAnswer[] {
  return readBatch(cursor, () => ({ request: cursor.u32(), reply: decodeReply(cursor) }));
}

function decodeReply(cursor: FrameCursor): ForwardReply {
  const kind = cursor.choice(REPLIES);
  switch (kind) {
    case 'result':
      return { kind, result: cursor.bytes(cursor.u32()) };
    case 'refused':
      return { kind, reason: cursor.choice(REASONS) };
    case 'unknown':
      return { kind };
  }
}

function requestBytes(request: ForwardRequest): number {
  return 8 + request.operation.byteLength;
}

function answerBytes({ reply }: ForwardAnswer): number {
  if (reply.kind === 'result') return 9 + reply.result.byteLength;
  return reply.kind === 'refused' ? 6 : 5;
}

function writeBatches<T>(
  writer: FrameWriter,
  kind: number,
  items: readonly T[],
  bytesOf: (item: T) => number,
  write: (item: T) => void,
): void {
  let from = 0;
  while (from < items.length) {
    let to = from;
    let bytes = COUNT_BYTES;
    for (let item = items[to]; item !== undefined && (to === from || bytes < BATCH_BYTES); item = items[to]) {
      bytes += bytesOf(item);
      to += 1;
    }
    writer.open(kind, bytes);
    writer.u32(to - from);
    for (const item of items.slice(from, to)) write(item);
    writer.seal(0);
    from = to;
  }
}

function readBatch<T>(cursor: FrameCursor, read: () => T): readonly T[] {
  const count = cursor.u32();
  const items: T[] = [];
  while (items.length < count) {
    if (cursor.remaining === 0) throw cursor.fault(`${items.length} parts of ${count}`);
    items.push(read());
  }
  cursor.end();
  return items;
}
