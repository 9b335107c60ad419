import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import { LogStoreError } from '@zkl/log-store';
import fc from 'fast-check';
import { comparable, sampleMessages } from '../../../packages/consensus/src/testing/sample-messages.js';
import { arriving } from '../../../packages/server/src/http/arriving.js';
import { Intake } from '../../../packages/server/src/http/intake.js';
import {
  decodeForwardReplies,
  decodeForwards,
  encodeForwardReplies,
  encodeForwards,
} from '../../../packages/server/src/peer/forward-codec.js';
import {
  checkedBytes,
  FRAME,
  FRAME_FIXED_BYTES,
  HANDSHAKE_FRAME_BYTES_MAX,
} from '../../../packages/server/src/peer/frame.js';
import { FrameCursor } from '../../../packages/server/src/peer/frame-cursor.js';
import { FrameReader } from '../../../packages/server/src/peer/frame-reader.js';
import { FrameWriter } from '../../../packages/server/src/peer/frame-writer.js';
import * as handshake from '../../../packages/server/src/peer/handshake-codec.js';
import { decodeMessage, encodeMessage } from '../../../packages/server/src/peer/message-codec.js';
import { PeerError, REFUSAL_CODES } from '../../../packages/server/src/peer/peer-error.js';
import {
  decodeSnapshotAlive,
  decodeSnapshotChunk,
  decodeSnapshotEnd,
  encodeSnapshotAlive,
  encodeSnapshotChunk,
  encodeSnapshotEnd,
} from '../../../packages/server/src/peer/snapshot-codec.js';
import {
  decodeMoved,
  decodeTouch,
  decodeTouchAck,
  encodeMoved,
  encodeTouch,
  encodeTouchAck,
} from '../../../packages/server/src/peer/touch-codec.js';
import { zxid, u32, u53 } from '../../../packages/wire/src/testing/arbitraries.js';
import { Random } from '../engine/random.js';
import { codeOf, must, type FuzzTarget } from '../engine/target.js';

const FRAME_BYTES_MAX = 64 * 1024 * 1024;

function written(write: (writer: FrameWriter) => void): Uint8Array {
  const writer = new FrameWriter();
  write(writer);
  return new Uint8Array(Buffer.concat(writer.take()));
}

/** Lengths and checksums of frames that stand one after the other, made right. A last piece becomes a frame of its own. */
function sealFrames(input: Uint8Array): Uint8Array {
  const bytes = Buffer.from(input);
  for (let at = 0; at + 4 + FRAME_FIXED_BYTES <= bytes.length;) {
    const rest = bytes.length - at - 4;
    const said = bytes.readUInt32LE(at);
    const length = said < FRAME_FIXED_BYTES || said > rest ? rest : said;
    bytes.writeUInt32LE(length, at);
    const checked = Math.min(checkedBytes(bytes.readUInt8(at + 8), length), length);
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, at + 4 + checked), length), at + 4);
    at += 4 + length;
  }
  return new Uint8Array(bytes);
}

/** Gives the bytes to a reader in pieces, as a socket does: the same bytes, the same pieces. */
function framesOf(input: Uint8Array, bytesMax: number, onFrame: (frame: Buffer) => void): void {
  const random = new Random(input.length + (input[0] ?? 0));
  const reader = new FrameReader(bytesMax);
  for (let at = 0; at < input.length;) {
    const piece = Math.min(input.length - at, random.pick([1, 3, 9, 100, 5_000, 65_536]));
    reader.push(Buffer.from(input.slice(at, at + piece)));
    at += piece;
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) onFrame(frame);
  }
}

/** What a frame means, and its bytes when it is written again. Undefined for kinds that this row of decoders does not have. */
function decodeAny(
  cursor: FrameCursor,
): { readonly meaning: unknown; readonly again: (writer: FrameWriter) => void } | undefined {
  switch (cursor.kind) {
    case FRAME.forward: {
      const meaning = decodeForwards(cursor);
      return { meaning, again: (writer) => encodeForwards(writer, meaning) };
    }
    case FRAME.forwardReply: {
      const meaning = decodeForwardReplies(cursor);
      return { meaning, again: (writer) => encodeForwardReplies(writer, meaning) };
    }
    case FRAME.touch: {
      const meaning = decodeTouch(cursor);
      return { meaning, again: (writer) => encodeTouch(writer, meaning) };
    }
    case FRAME.touchAck: {
      const meaning = decodeTouchAck(cursor);
      return { meaning, again: (writer) => encodeTouchAck(writer, meaning) };
    }
    case FRAME.sessionMoved: {
      const meaning = decodeMoved(cursor);
      return { meaning, again: (writer) => encodeMoved(writer, meaning) };
    }
    case FRAME.snapshotChunk: {
      const meaning = decodeSnapshotChunk(cursor);
      return { meaning, again: (writer) => encodeSnapshotChunk(writer, meaning) };
    }
    case FRAME.snapshotEnd: {
      const meaning = decodeSnapshotEnd(cursor);
      return { meaning, again: (writer) => encodeSnapshotEnd(writer, meaning) };
    }
    case FRAME.snapshotAlive: {
      const meaning = decodeSnapshotAlive(cursor);
      return { meaning, again: (writer) => encodeSnapshotAlive(writer, meaning) };
    }
    default: {
      const meaning = decodeMessage(cursor);
      return meaning && { meaning: comparable(meaning), again: (writer) => encodeMessage(writer, meaning) };
    }
  }
}

function judgeFrame(frame: Buffer): string {
  const decoded = decodeAny(new FrameCursor(frame));
  if (decoded === undefined) return 'no kind';
  // Of large batches several frames are made.
  if (frame.byteLength > 500_000) return 'large';
  const again = written(decoded.again);
  if (again.length === 0) return 'empty';
  const twin = decodeAny(new FrameCursor(Buffer.from(again.subarray(4))));
  must(isDeepStrictEqual(twin?.meaning, decoded.meaning), 'a frame that means something else when it is written again');
  return `kind ${frame.readUInt8(4)}`;
}

const operation = fc.uint8Array({ maxLength: 40 });
const touches = fc.array(fc.record({ session: zxid, attachment: u53 }), { maxLength: 6 });
const reply = fc.oneof(
  fc.record({ kind: fc.constant('result' as const), result: operation.map((bytes) => Buffer.from(bytes)) }),
  fc.record({
    kind: fc.constant('refused' as const),
    reason: fc.constantFrom('notLeader' as const, 'diskFull' as const),
  }),
  fc.record({ kind: fc.constant('unknown' as const) }),
);
const frame = fc.oneof(
  // The largest sample is a waste of time when it is cut and turned a thousand times.
  fc
    .constantFrom(...sampleMessages().filter((message) => message.kind !== 'append' || message.blocks.length === 0))
    .map((message) => written((writer) => encodeMessage(writer, message))),
  fc.array(fc.nat(300), { maxLength: 4 }).map((sizes) => {
    const blocks = sizes.map((size, at) => ({
      ...{
        epoch: 4,
        leader: 2,
        firstCounter: at + 1,
        count: 1,
        prevEpoch: 4,
        prevCounter: at,
        committedEpoch: 3,
        committedCounter: 12,
      },
      ...{ timeMs: 1_700_000_000_123, payload: new Uint8Array(size).fill(at), record: undefined },
    }));
    return written((writer) =>
      encodeMessage(writer, { kind: 'append', attempt: 3, blocks, committed: { epoch: 3, counter: 12 } }),
    );
  }),
  fc
    .array(fc.record({ request: u32, operation: operation.map((bytes) => Buffer.from(bytes)) }), { maxLength: 5 })
    .map((requests) => written((writer) => encodeForwards(writer, requests))),
  fc
    .array(fc.record({ request: u32, reply }), { maxLength: 5 })
    .map((answers) => written((writer) => encodeForwardReplies(writer, answers))),
  fc.record({ batch: u32, touches }).map((batch) => written((writer) => encodeTouch(writer, batch))),
  fc
    .record({
      batch: u32,
      refused: fc.array(fc.record({ index: u32, why: fc.constantFrom('expired' as const, 'moved' as const) }), {
        maxLength: 4,
      }),
    })
    .map(({ batch, refused }) =>
      written((writer) => encodeTouchAck(writer, { batch, answer: { kind: 'noted', refused } })),
    ),
  touches.map((moved) => written((writer) => encodeMoved(writer, moved))),
  operation.map((bytes) => written((writer) => encodeSnapshotChunk(writer, bytes))),
  fc.record({ sizeBytes: u53, crc: u32 }).map((end) => written((writer) => encodeSnapshotEnd(writer, end))),
  u53.map((bytes) => written((writer) => encodeSnapshotAlive(writer, bytes))),
);

const peerFiles = (...names: string[]): string[] => names.map((name) => `packages/server/src/peer/${name}.ts`);

const frames: FuzzTarget = {
  name: 'peer-frames',
  covers: peerFiles('frame-reader', 'frame-cursor', 'message-codec', 'forward-codec', 'touch-codec', 'snapshot-codec'),
  valid: fc.array(frame, { minLength: 1, maxLength: 4 }).map((list) => new Uint8Array(Buffer.concat(list))),
  seal: sealFrames,
  run: (input) => {
    let outcome = 'nothing';
    try {
      framesOf(input, FRAME_BYTES_MAX, (one) => (outcome = judgeFrame(one)));
      return outcome;
    } catch (error) {
      if (error instanceof LogStoreError) throw new Error('an error of the log store came through', { cause: error });
      return codeOf(error, PeerError);
    }
  },
};

const serverId = fc.integer({ min: 1, max: 65_535 });
const eight = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes));
const thirtyTwo = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const purpose: fc.Arbitrary<handshake.Purpose> = fc.oneof(
  fc.record({ kind: fc.constant('messages' as const) }),
  fc.record({ kind: fc.constant('snapshot' as const), attempt: u53, zxid, sizeBytes: u53 }),
);
const hello = fc.record({
  versions: fc.constant({ min: 1, max: 2 }),
  clusterId: fc.string({ maxLength: 60 }),
  from: serverId,
  to: serverId,
  incarnation: eight,
  nonce: thirtyTwo,
  purpose,
});
const challenge = fc.record({ version: fc.constant(1), server: serverId, incarnation: eight, nonce: thirtyTwo });
const refusal = fc.record({ code: fc.constantFrom(...REFUSAL_CODES), detail: fc.string({ maxLength: 60 }) });

function judgeHandshake(bytes: Buffer): string {
  const cursor = new FrameCursor(bytes);
  switch (cursor.kind) {
    case FRAME.hello: {
      const versions = handshake.decodeHelloVersions(cursor);
      const decoded = handshake.decodeHello(cursor, versions);
      // A cluster id that is no UTF-8 never equals one that is; it may be longer when it is written again.
      if (decoded.clusterId.includes('\ufffd')) return 'hello of no text';
      const again = new FrameCursor(handshake.encodeHello(decoded).frame.subarray(4));
      must(
        isDeepStrictEqual(handshake.decodeHello(again, handshake.decodeHelloVersions(again)), decoded),
        'a hello that means something else',
      );
      return 'hello';
    }
    case FRAME.challenge: {
      const decoded = handshake.decodeChallenge(cursor);
      must(
        isDeepStrictEqual(
          handshake.decodeChallenge(new FrameCursor(handshake.encodeChallenge(decoded).subarray(4))),
          decoded,
        ),
        'a challenge that means something else',
      );
      return 'challenge';
    }
    case FRAME.proof:
    case FRAME.welcome:
      handshake.decodeProof(cursor);
      return 'proof';
    case FRAME.refusal:
      return `refusal ${handshake.decodeRefusal(cursor).code}`;
    default:
      return 'no kind';
  }
}

const handshakes: FuzzTarget = {
  name: 'peer-handshake',
  covers: peerFiles('handshake-codec'),
  valid: fc
    .oneof(
      hello.map((one) => handshake.encodeHello(one).frame),
      challenge.map(handshake.encodeChallenge),
      thirtyTwo.map((proof) => handshake.encodeProof('proof', proof)),
      refusal.map(handshake.encodeRefusal),
    )
    .map((bytes) => new Uint8Array(bytes)),
  seal: sealFrames,
  run: (input) => {
    let outcome = 'nothing';
    try {
      framesOf(input, HANDSHAKE_FRAME_BYTES_MAX, (one) => (outcome = judgeHandshake(one)));
      return outcome;
    } catch (error) {
      return codeOf(error, PeerError);
    }
  },
};

const stream: FuzzTarget = {
  name: 'server-arriving',
  covers: ['packages/server/src/http/arriving.ts'],
  valid: fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }).map((list) => {
    const head = (length: number): Buffer => Buffer.from([0, 0, 0, length >> 8, length & 255]);
    return new Uint8Array(Buffer.concat(list.flatMap((one) => [head(one.length), one])));
  }),
  run: async (input) => {
    const intake = new Intake({ bytesMax: 1_000_000, timeoutMs: 60_000 });
    const random = new Random(input.length);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < input.length;) {
        const piece = input.subarray(at, (at += random.pick([1, 4, 5, 6, 300, 5_000])));
        yield await Promise.resolve(piece);
      }
    }
    const seen: Uint8Array[] = [];
    for await (const piece of arriving(pieces(), intake, true)) seen.push(piece);
    must(Buffer.concat(seen).equals(input), 'bytes that are others when they have arrived');
    must(intake.size === 0 && intake.bytes === 0, 'something is still held when all is over');
    return `${Math.min(3, seen.length)}`;
  },
};

/** What servers say to each other, and what comes in pieces. */
export const peerTargets: readonly FuzzTarget[] = [frames, handshakes, stream];
