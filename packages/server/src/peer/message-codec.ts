import type { Block, Message, Standing, Zxid } from '@zkl/consensus';
import { decodeRecord, recordOf } from '@zkl/log-store';
import { APPEND_HEAD_BYTES, FRAME } from './frame.js';
import type { FrameCursor } from './frame-cursor.js';
import type { FrameWriter } from './frame-writer.js';
import { peerErrorOf } from './peer-error.js';

const STATES = ['looking', 'following', 'leading'] as const;
const STANDINGS = ['voter', 'fresh', 'damaged'] as const satisfies readonly Standing[];
const SYNC_MODES = ['diff', 'trunc', 'snap'] as const;
const ZXID_BYTES = 8;
const ATTEMPT_BYTES = 8;

/**
 * Writes one message as one frame. The records of an append are made on first use and are sent as they are, without a copy when large. A field out of
 * its range throws a RangeError, and nothing is written.
 */
export function encodeMessage(writer: FrameWriter, message: Message): void {
  if (message.kind === 'append') {
    encodeAppend(writer, message.attempt, message.committed, message.blocks);
    return;
  }
  try {
    encodeFields(writer, message);
  } catch (error) {
    writer.abandon();
    throw error;
  }
  writer.seal(0);
}

function encodeAppend(writer: FrameWriter, attempt: number, committed: Zxid, blocks: readonly Block[]): void {
  let recordBytes = 0;
  for (const block of blocks) recordBytes += recordOf(block).byteLength;
  try {
    writer.open(FRAME.append, APPEND_HEAD_BYTES);
    writer.u53(attempt);
    zxid(writer, committed);
    writer.u32(blocks.length);
  } catch (error) {
    writer.abandon();
    throw error;
  }
  writer.seal(recordBytes);
  for (const block of blocks) writer.tail(recordOf(block));
}

function encodeFields(writer: FrameWriter, message: Exclude<Message, { kind: 'append' }>): void {
  if (message.kind === 'notification') {
    writer.open(FRAME.notification, 1 + 8 + 2 + 4 + ZXID_BYTES + 1);
    writer.u8(STATES.indexOf(message.state));
    writer.u53(message.round);
    writer.u16(message.vote.leader);
    writer.u32(message.vote.epoch);
    zxid(writer, message.vote.zxid);
    writer.u8(STANDINGS.indexOf(message.standing));
    return;
  }
  writer.open(FRAME[message.kind], FIELD_BYTES[message.kind]);
  writer.u53(message.attempt);
  switch (message.kind) {
    case 'followerInfo':
      writer.u32(message.acceptedEpoch);
      writer.u8(STANDINGS.indexOf(message.standing));
      break;
    case 'leaderInfo':
      writer.u32(message.epoch);
      break;
    case 'ackEpoch':
      writer.u32(message.epoch);
      writer.u8(message.counts ? 1 : 0);
      writer.u32(message.currentEpoch);
      zxid(writer, message.lastZxid);
      writer.u8(STANDINGS.indexOf(message.standing));
      break;
    case 'sync':
      writer.u8(SYNC_MODES.indexOf(message.mode));
      zxid(writer, message.zxid);
      break;
    case 'newLeader':
    case 'ackNewLeader':
      writer.u32(message.epoch);
      zxid(writer, message.zxid);
      break;
    case 'upToDate':
    case 'commit':
      zxid(writer, message.committed);
      break;
    case 'ack':
      zxid(writer, message.zxid);
      break;
    case 'ping':
      writer.u53(message.barrier);
      zxid(writer, message.committed);
      break;
    case 'pong':
      writer.u53(message.barrier);
      break;
    case 'readRequest':
      writer.u53(message.request);
      break;
    case 'readReply':
      writer.u53(message.request);
      zxid(writer, message.zxid);
      break;
    case 'leaving':
    case 'refuse':
      break;
  }
}

/** Room for the fields of each kind. */
const FIELD_BYTES = {
  followerInfo: ATTEMPT_BYTES + 4 + 1,
  leaderInfo: ATTEMPT_BYTES + 4,
  ackEpoch: ATTEMPT_BYTES + 4 + 1 + 4 + ZXID_BYTES + 1,
  sync: ATTEMPT_BYTES + 1 + ZXID_BYTES,
  newLeader: ATTEMPT_BYTES + 4 + ZXID_BYTES,
  ackNewLeader: ATTEMPT_BYTES + 4 + ZXID_BYTES,
  upToDate: ATTEMPT_BYTES + ZXID_BYTES,
  ack: ATTEMPT_BYTES + ZXID_BYTES,
  commit: ATTEMPT_BYTES + ZXID_BYTES,
  ping: ATTEMPT_BYTES + 8 + ZXID_BYTES,
  pong: ATTEMPT_BYTES + 8,
  readRequest: ATTEMPT_BYTES + 8,
  readReply: ATTEMPT_BYTES + 8 + ZXID_BYTES,
  leaving: ATTEMPT_BYTES,
  refuse: ATTEMPT_BYTES,
} as const;

function zxid(writer: FrameWriter, { epoch, counter }: Zxid): void {
  writer.u32(epoch);
  writer.u32(counter);
}

/**
 * Reads the message of a frame whose kind is one of a message's; undefined for every other kind. Throws a `PeerError`: MALFORMED_FRAME, or
 * CORRUPT_FRAME for a block whose record's checksum is wrong. Blocks are views of the frame.
 */
export function decodeMessage(cursor: FrameCursor): Message | undefined {
  const message = decodeFields(cursor);
  if (message !== undefined) cursor.end();
  return message;
}

function decodeFields(cursor: FrameCursor): Message | undefined {
  switch (cursor.kind) {
    case FRAME.notification:
      return decodeNotification(cursor);
    case FRAME.followerInfo:
      return {
        kind: 'followerInfo',
        attempt: cursor.u53(),
        acceptedEpoch: cursor.u32(),
        standing: cursor.choice(STANDINGS),
      };
    case FRAME.leaderInfo:
      return { kind: 'leaderInfo', attempt: cursor.u53(), epoch: cursor.u32() };
    case FRAME.ackEpoch:
      return {
        kind: 'ackEpoch',
        attempt: cursor.u53(),
        epoch: cursor.u32(),
        counts: cursor.bool(),
        currentEpoch: cursor.u32(),
        lastZxid: readZxid(cursor),
        standing: cursor.choice(STANDINGS),
      };
    case FRAME.sync:
      return { kind: 'sync', attempt: cursor.u53(), mode: cursor.choice(SYNC_MODES), zxid: readZxid(cursor) };
    case FRAME.append:
      return decodeAppend(cursor);
    case FRAME.newLeader:
      return { kind: 'newLeader', attempt: cursor.u53(), epoch: cursor.u32(), zxid: readZxid(cursor) };
    case FRAME.ackNewLeader:
      return { kind: 'ackNewLeader', attempt: cursor.u53(), epoch: cursor.u32(), zxid: readZxid(cursor) };
    case FRAME.upToDate:
      return { kind: 'upToDate', attempt: cursor.u53(), committed: readZxid(cursor) };
    case FRAME.ack:
      return { kind: 'ack', attempt: cursor.u53(), zxid: readZxid(cursor) };
    case FRAME.commit:
      return { kind: 'commit', attempt: cursor.u53(), committed: readZxid(cursor) };
    case FRAME.ping:
      return { kind: 'ping', attempt: cursor.u53(), barrier: cursor.u53(), committed: readZxid(cursor) };
    case FRAME.pong:
      return { kind: 'pong', attempt: cursor.u53(), barrier: cursor.u53() };
    case FRAME.readRequest:
      return { kind: 'readRequest', attempt: cursor.u53(), request: cursor.u53() };
    case FRAME.readReply:
      return { kind: 'readReply', attempt: cursor.u53(), request: cursor.u53(), zxid: readZxid(cursor) };
    case FRAME.leaving:
      return { kind: 'leaving', attempt: cursor.u53() };
    case FRAME.refuse:
      return { kind: 'refuse', attempt: cursor.u53() };
    default:
      return undefined;
  }
}

function decodeNotification(cursor: FrameCursor): Message {
  const state = cursor.choice(STATES);
  const round = cursor.u53();
  const vote = { leader: cursor.u16(), epoch: cursor.u32(), zxid: readZxid(cursor) };
  return { kind: 'notification', state, round, vote, standing: cursor.choice(STANDINGS) };
}

function decodeAppend(cursor: FrameCursor): Message {
  const attempt = cursor.u53();
  const committed = readZxid(cursor);
  const count = cursor.u32();
  const blocks: Block[] = [];
  while (blocks.length < count) {
    if (cursor.remaining === 0) throw cursor.fault(`${blocks.length} blocks of ${count}`);
    blocks.push(decodeBlock(cursor));
  }
  return { kind: 'append', attempt, blocks, committed };
}

function decodeBlock(cursor: FrameCursor): Block {
  try {
    const { block, end } = decodeRecord(cursor.frame, cursor.offset);
    cursor.moveTo(end);
    return block;
  } catch (error) {
    throw peerErrorOf(error, 'CORRUPT_FRAME');
  }
}

function readZxid(cursor: FrameCursor): Zxid {
  return { epoch: cursor.u32(), counter: cursor.u32() };
}
