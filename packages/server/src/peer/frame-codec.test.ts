import fc from 'fast-check';
import type { Block, Message, Zxid } from '@zkl/consensus';
import { describe, expect, it } from 'vitest';
import { decodeForwardReplies, decodeForwards, encodeForwardReplies, encodeForwards } from './forward-codec.js';
import type { ForwardReply } from './forward-reply.js';
import { FrameCursor } from './frame-cursor.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { decodeMessage, encodeMessage } from './message-codec.js';
import { PeerError } from './peer-error.js';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u53 = fc.maxSafeNat();
const zxid: fc.Arbitrary<Zxid> = fc.record({ epoch: u32, counter: u32 });
const standing = fc.constantFrom('voter' as const, 'fresh' as const, 'damaged' as const);

const anyBlock: fc.Arbitrary<Block> = fc.record({
  epoch: u32,
  leader: fc.integer({ min: 1, max: 65_535 }),
  firstCounter: fc.integer({ min: 1, max: 1_000_000 }),
  count: fc.integer({ min: 1, max: 1_000 }),
  prevEpoch: u32,
  prevCounter: u32,
  committedEpoch: u32,
  committedCounter: u32,
  timeMs: fc.integer({ min: 0, max: 8.64e15 }),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 3_000, max: 20_000 }).map((length) => new Uint8Array(length).fill(length % 256)),
  ),
  record: fc.constant(undefined),
});
/** A write takes more than a byte. */
const block = anyBlock.map((any) => ({ ...any, count: Math.min(any.count, Math.max(1, any.payload.byteLength)) }));

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constant('notification' as const),
    state: fc.constantFrom('looking' as const, 'following' as const, 'leading' as const),
    round: u53,
    vote: fc.record({ leader: fc.integer({ min: 0, max: 65_535 }), epoch: u32, zxid }),
    standing,
  }),
  fc.record({ kind: fc.constant('followerInfo' as const), attempt: u53, acceptedEpoch: u32, standing }),
  fc.record({ kind: fc.constant('leaderInfo' as const), attempt: u53, epoch: u32 }),
  fc.record({
    kind: fc.constant('ackEpoch' as const),
    attempt: u53,
    epoch: u32,
    counts: fc.boolean(),
    currentEpoch: u32,
    lastZxid: zxid,
    standing,
  }),
  fc.record({
    kind: fc.constant('sync' as const),
    attempt: u53,
    mode: fc.constantFrom('diff' as const, 'trunc' as const, 'snap' as const),
    zxid,
  }),
  fc.record({
    kind: fc.constant('append' as const),
    attempt: u53,
    blocks: fc.array(block, { maxLength: 5 }),
    committed: zxid,
  }),
  fc.record({ kind: fc.constantFrom('newLeader' as const, 'ackNewLeader' as const), attempt: u53, epoch: u32, zxid }),
  fc.record({ kind: fc.constantFrom('upToDate' as const, 'commit' as const), attempt: u53, committed: zxid }),
  fc.record({ kind: fc.constant('ack' as const), attempt: u53, zxid }),
  fc.record({ kind: fc.constant('ping' as const), attempt: u53, barrier: u53, committed: zxid }),
  fc.record({ kind: fc.constant('pong' as const), attempt: u53, barrier: u53 }),
  fc.record({ kind: fc.constant('readRequest' as const), attempt: u53, request: u53 }),
  fc.record({ kind: fc.constant('readReply' as const), attempt: u53, request: u53, zxid }),
  fc.record({ kind: fc.constantFrom('leaving' as const, 'refuse' as const), attempt: u53 }),
);

const reply: fc.Arbitrary<ForwardReply> = fc.oneof(
  fc.record({ kind: fc.constant('result' as const), result: fc.uint8Array() }),
  fc.record({
    kind: fc.constant('refused' as const),
    reason: fc.constantFrom(
      'notLeader' as const,
      'noQuorum' as const,
      'leaving' as const,
      'overloaded' as const,
      'diskFull' as const,
    ),
  }),
  fc.record({ kind: fc.constant('unknown' as const) }),
);

function bytesOf(messages: readonly Message[]): Buffer {
  const writer = new FrameWriter();
  for (const one of messages) encodeMessage(writer, one);
  return Buffer.concat(writer.take());
}

/** Feeds the bytes in pieces of the given lengths, over and over. */
function framesOf(bytes: Buffer, pieces: readonly number[], bytesMax = 1 << 24): Buffer[] {
  const reader = new FrameReader(bytesMax);
  const frames: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = pieces[turn % pieces.length] ?? bytes.length;
    reader.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

/** A block's record is made when it is first sent, and comes along when it is received. */
function withoutRecords(one: Message | undefined): unknown {
  if (one?.kind !== 'append') return one;
  const blocks = one.blocks.map((each) => ({
    ...each,
    payload: Buffer.from(each.payload).toString('latin1'),
    record: undefined,
  }));
  return { ...one, blocks };
}

describe('messages as frames', () => {
  it('come out as they went in, however they are cut', () => {
    const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 9_000 })), {
      minLength: 3,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), pieces, (messages, lengths) => {
        const decoded = framesOf(bytesOf(messages), lengths).map((frame) => decodeMessage(new FrameCursor(frame)));
        expect(decoded.map(withoutRecords)).toEqual(messages.map(withoutRecords));
      }),
      { numRuns: 200 },
    );
  });

  it('are never delivered when any one bit is wrong', () => {
    fc.assert(
      fc.property(message, fc.nat(), (one, place) => {
        const bytes = bytesOf([one]);
        const bit = place % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const decode = (): unknown[] =>
          framesOf(bytes, [1 << 20]).map((frame) => decodeMessage(new FrameCursor(frame)));
        // A changed length may leave the frame waiting for bytes that never come: then nothing is delivered either.
        expect(() => {
          if (decode().length > 0) throw new Error('delivered');
        }).not.toThrow('delivered');
      }),
      { numRuns: 1_000 },
    );
  });

  it('of any other bytes end in a typed error', () => {
    const framed = fc.uint8Array({ minLength: 5, maxLength: 300 }).map((body) => Buffer.from(body));
    fc.assert(
      fc.property(framed, (body) => {
        expect(() => decodeMessage(new FrameCursor(body))).toThrow(PeerError);
      }),
    );
  });

  it('of a peer that lies, with a right checksum, decode or end in a typed error', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 33 }), fc.uint8Array({ maxLength: 120 }), (kind, fields) => {
        const writer = new FrameWriter();
        // Of an append only the head is under the checksum.
        const head = kind === 21 ? Math.min(20, fields.length) : fields.length;
        writer.open(kind, head);
        writer.bytes(fields.subarray(0, head));
        writer.seal(fields.length - head);
        writer.tail(fields.subarray(head));
        const [frame] = framesOf(Buffer.concat(writer.take()), [1 << 20]);
        try {
          const decoded = decodeMessage(new FrameCursor(frame!));
          if (kind === 33) expect(decoded).toBeUndefined();
        } catch (error) {
          expect(error).toBeInstanceOf(PeerError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('with a number out of its range are not written, and leave the writer usable', () => {
    const writer = new FrameWriter();
    const good: Message = { kind: 'ack', attempt: 1, zxid: { epoch: 1, counter: 2 } };
    encodeMessage(writer, good);
    expect(() => encodeMessage(writer, { kind: 'ack', attempt: 1, zxid: { epoch: -1, counter: 2 } })).toThrow(
      RangeError,
    );
    expect(() => encodeMessage(writer, { kind: 'pong', attempt: 1, barrier: 1.5 })).toThrow(RangeError);
    expect(() =>
      encodeMessage(writer, { kind: 'append', attempt: 2 ** 60, blocks: [], committed: { epoch: 0, counter: 0 } }),
    ).toThrow(RangeError);
    encodeMessage(writer, good);
    const frames = framesOf(Buffer.concat(writer.take()), [1 << 20]);
    expect(frames.map((frame) => decodeMessage(new FrameCursor(frame)))).toEqual([good, good]);
  });
});

describe('forwarded writes as frames', () => {
  it('come out as they went in', () => {
    const requests = fc.array(fc.record({ request: u32, operation: fc.uint8Array() }));
    const answers = fc.array(fc.record({ request: u32, reply }));
    fc.assert(
      fc.property(requests, answers, (asked, answered) => {
        const writer = new FrameWriter();
        encodeForwards(writer, asked);
        const askedFrames = framesOf(Buffer.concat(writer.take()), [1 << 20]);
        encodeForwardReplies(writer, answered);
        const answeredFrames = framesOf(Buffer.concat(writer.take()), [1 << 20]);
        const plain = (bytes: Uint8Array): number[] => [...bytes];
        expect(
          askedFrames
            .flatMap((frame) => decodeForwards(new FrameCursor(frame)))
            .map((each) => ({ ...each, operation: plain(each.operation) })),
        ).toEqual(asked.map((each) => ({ ...each, operation: plain(each.operation) })));
        const comparable = (each: { request: number; reply: ForwardReply }): unknown =>
          each.reply.kind === 'result' ? { ...each, reply: plain(each.reply.result) } : each;
        expect(answeredFrames.flatMap((frame) => decodeForwardReplies(new FrameCursor(frame))).map(comparable)).toEqual(
          answered.map(comparable),
        );
      }),
    );
  });

  it('are spread over several frames when they are large', () => {
    const writer = new FrameWriter();
    const requests = Array.from({ length: 30 }, (_, index) => ({
      request: index,
      operation: new Uint8Array(100_000).fill(index),
    }));
    encodeForwards(writer, requests);
    const frames = framesOf(Buffer.concat(writer.take()), [1 << 20]);
    expect(frames.length).toBe(3);
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThan(1_300_000);
    expect(frames.flatMap((frame) => decodeForwards(new FrameCursor(frame))).map(({ request }) => request)).toEqual(
      requests.map(({ request }) => request),
    );
  });
});

describe('FrameReader', () => {
  it('does not copy a frame that lies in one piece', () => {
    const reader = new FrameReader(1_000);
    const bytes = bytesOf([{ kind: 'leaving', attempt: 4 }]);
    reader.push(bytes);
    expect(reader.next()?.buffer).toBe(bytes.buffer);
  });

  it('takes no memory for a length, only for bytes that have come', () => {
    const readers = Array.from({ length: 64 }, () => new FrameReader(64 * 1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) {
      reader.push(Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]));
      expect(reader.next()).toBeUndefined();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('puts a large frame together, whatever pieces it comes in', () => {
    const length = 3_000_000;
    const frame = Buffer.alloc(4 + length, 7);
    frame.writeUInt32LE(length, 0);
    for (const size of [1_000, 65_536, 1_000_000, length]) {
      const reader = new FrameReader(64 * 1024 * 1024);
      const found: Buffer[] = [];
      for (let at = 0; at < frame.byteLength; at += size) {
        reader.push(frame.subarray(at, at + size));
        for (let one = reader.next(); one !== undefined; one = reader.next()) found.push(one);
      }
      expect(found.length).toBe(1);
      expect(found[0]?.equals(frame.subarray(4))).toBe(true);
    }
  });

  it('refuses lengths that cannot be, before anything is allocated', () => {
    const tooLarge = new FrameReader(1_000);
    tooLarge.push(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect(() => tooLarge.next()).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }));
    const tooSmall = new FrameReader(1_000);
    tooSmall.push(Buffer.from([4, 0, 0, 0, 1, 2, 3, 4]));
    expect(() => tooSmall.next()).toThrow(expect.objectContaining({ code: 'MALFORMED_FRAME' }));
  });
});

describe('FrameWriter', () => {
  it('does not change bytes that were taken', () => {
    const writer = new FrameWriter();
    encodeMessage(writer, { kind: 'leaving', attempt: 1 });
    const first = writer.take();
    const before = Buffer.concat(first);
    for (let count = 0; count < 10_000; count++) encodeMessage(writer, { kind: 'leaving', attempt: count });
    expect(Buffer.concat(first)).toEqual(before);
    expect(writer.queuedBytes).toBe(10_000 * before.length);
  });

  it('makes one piece of all small frames of a turn', () => {
    const writer = new FrameWriter();
    for (let count = 0; count < 1_000; count++) encodeMessage(writer, { kind: 'pong', attempt: 1, barrier: count });
    expect(writer.take().length).toBe(1);
  });
});
