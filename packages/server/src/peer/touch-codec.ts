import type { Zxid } from '@zkl/consensus';
import type { SessionTouch } from '../session/session-keeper.js';
import { FRAME } from './frame.js';
import type { FrameCursor } from './frame-cursor.js';
import type { FrameWriter } from './frame-writer.js';

/** Touches in one frame, at most; more wait for the next. */
export const TOUCHES_MAX = 16_384;

const TOUCH_BYTES = 16;
const REFUSAL_BYTES = 5;
const REFUSALS = ['expired', 'moved'] as const;
const OUTCOMES = ['noted', 'notLeader'] as const;

/** Why a touch was not counted. */
export type TouchRefusal = (typeof REFUSALS)[number];

/** Signs of life that one server sends to the leader. `batch` is unique on its link. */
export interface TouchBatch {
  readonly batch: number;
  readonly touches: readonly SessionTouch[];
}

/**
 * What the leader says of a batch. `noted`: all were counted but the refused ones, which are named by their place in the batch, **and after that a
 * quorum confirmed that it leads**. `notLeader`: nothing is certain.
 */
export type TouchAnswer =
  | { readonly kind: 'noted'; readonly refused: readonly { readonly index: number; readonly why: TouchRefusal }[] }
  | { readonly kind: 'notLeader' };

/** The leader's answer to one batch. */
export interface TouchAck {
  readonly batch: number;
  readonly answer: TouchAnswer;
}

export function encodeTouch(writer: FrameWriter, { batch, touches }: TouchBatch): void {
  writer.open(FRAME.touch, 8 + touches.length * TOUCH_BYTES);
  writer.u32(batch);
  writeTouches(writer, touches);
  writer.seal(0);
}

export function decodeTouch(cursor: FrameCursor): TouchBatch {
  const batch = cursor.u32();
  const touches = readTouches(cursor);
  cursor.end();
  return { batch, touches };
}

export function encodeTouchAck(writer: FrameWriter, { batch, answer }: TouchAck): void {
  const refused = answer.kind === 'noted' ? answer.refused : [];
  writer.open(FRAME.touchAck, 9 + refused.length * REFUSAL_BYTES);
  writer.u32(batch);
  writer.u8(OUTCOMES.indexOf(answer.kind));
  writer.u32(refused.length);
  for (const { index, why } of refused) {
    writer.u32(index);
    writer.u8(REFUSALS.indexOf(why));
  }
  writer.seal(0);
}

export function decodeTouchAck(cursor: FrameCursor): TouchAck {
  const batch = cursor.u32();
  const kind = cursor.choice(OUTCOMES);
  const refused = readMany(cursor, () => ({ index: cursor.u32(), why: cursor.choice(REFUSALS) }));
  cursor.end();
  return { batch, answer: kind === 'noted' ? { kind, refused } : { kind } };
}

/** Tells a server that streams of its sessions were followed by others, elsewhere: each with the attachment that is served no more. */
export function encodeMoved(writer: FrameWriter, moved: readonly SessionTouch[]): void {
  writer.open(FRAME.sessionMoved, 4 + moved.length * TOUCH_BYTES);
  writeTouches(writer, moved);
  writer.seal(0);
}

export function decodeMoved(cursor: FrameCursor): readonly SessionTouch[] {
  const moved = readTouches(cursor);
  cursor.end();
  return moved;
}

function writeTouches(writer: FrameWriter, touches: readonly SessionTouch[]): void {
  writer.u32(touches.length);
  for (const { session, attachment } of touches) {
    writer.u32(session.epoch);
    writer.u32(session.counter);
    writer.u53(attachment);
  }
}

function readTouches(cursor: FrameCursor): SessionTouch[] {
  return readMany(cursor, () => {
    const session: Zxid = { epoch: cursor.u32(), counter: cursor.u32() };
    return { session, attachment: cursor.u53() };
  });
}

function readMany<T>(cursor: FrameCursor, read: () => T): T[] {
  const count = cursor.u32();
  if (count > TOUCHES_MAX) throw cursor.fault(`${count} parts; ${TOUCHES_MAX} are allowed`);
  const items: T[] = [];
  while (items.length < count) {
    if (cursor.remaining === 0) throw cursor.fault(`${items.length} parts of ${count}`);
    items.push(read());
  }
  return items;
}
