import type { ServerId, Zxid } from '@zkl/consensus';
import { PEER_MAGIC } from '../port/protocol-sniffer.js';
import { FRAME } from './frame.js';
import type { FrameCursor } from './frame-cursor.js';
import { FrameWriter } from './frame-writer.js';
import { PeerError, REFUSAL_CODES, type RefusalCode } from './peer-error.js';

/** A range of versions of the peer protocol, both ends included. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** What a connection is for. */
export type Purpose =
  | { readonly kind: 'messages' }
  | { readonly kind: 'snapshot'; readonly attempt: number; readonly zxid: Zxid; readonly sizeBytes: number };

/** First, from the one that dials. */
export interface Hello {
  readonly versions: VersionRange;
  readonly clusterId: string;
  readonly from: ServerId;
  readonly to: ServerId;
  /** Random bytes of this run of the process. */
  readonly incarnation: Buffer;
  readonly nonce: Buffer;
  readonly purpose: Purpose;
}

/** Second, from the one that accepts. */
export interface Challenge {
  readonly version: number;
  readonly server: ServerId;
  readonly incarnation: Buffer;
  readonly nonce: Buffer;
}

/** Instead of any answer, at any time: why, in the sender's words. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly detail: string;
}

export const INCARNATION_BYTES = 8;
export const NONCE_BYTES = 32;
const PROOF_BYTES = 32;
/** In UTF-8. */
export const CLUSTER_ID_BYTES_MAX = 255;
const DETAIL_BYTES_MAX = 1_024;
const SNAPSHOT_BYTES = 8 + 8 + 8;

/** The magic and the frame. The frame begins with the range of versions in every version there will ever be. */
export function encodeHello(hello: Hello): { readonly magic: Buffer; readonly frame: Buffer } {
  const clusterId = Buffer.from(hello.clusterId);
  const purposeBytes = hello.purpose.kind === 'snapshot' ? SNAPSHOT_BYTES : 0;
  const frame = frameOf(
    FRAME.hello,
    4 + 1 + clusterId.byteLength + 4 + INCARNATION_BYTES + NONCE_BYTES + 1 + purposeBytes,
    (writer) => {
      writer.u16(hello.versions.min);
      writer.u16(hello.versions.max);
      writer.u8(clusterId.byteLength);
      writer.bytes(clusterId);
      writer.u16(hello.from);
      writer.u16(hello.to);
      writer.bytes(hello.incarnation);
      writer.bytes(hello.nonce);
      writer.u8(hello.purpose.kind === 'messages' ? 0 : 1);
      if (hello.purpose.kind === 'messages') return;
      writer.u53(hello.purpose.attempt);
      writer.u32(hello.purpose.zxid.epoch);
      writer.u32(hello.purpose.zxid.counter);
      writer.u53(hello.purpose.sizeBytes);
    },
  );
  return { magic: PEER_MAGIC, frame };
}

/** The versions of a hello: to be compared before the rest, which another version may have laid out otherwise, is read. */
export function decodeHelloVersions(cursor: FrameCursor): VersionRange {
  const versions = { min: cursor.u16(), max: cursor.u16() };
  if (versions.min > versions.max) throw cursor.fault('a range of versions that is none');
  return versions;
}

/** The rest of a hello. */
export function decodeHello(cursor: FrameCursor, versions: VersionRange): Hello {
  const clusterId = cursor.bytes(cursor.u8()).toString();
  const from = cursor.u16();
  const to = cursor.u16();
  const incarnation = cursor.bytes(INCARNATION_BYTES);
  const nonce = cursor.bytes(NONCE_BYTES);
  const purpose: Purpose =
    cursor.choice(PURPOSES) === 'messages'
      ? { kind: 'messages' }
      : {
          kind: 'snapshot',
          attempt: cursor.u53(),
          zxid: { epoch: cursor.u32(), counter: cursor.u32() },
          sizeBytes: cursor.u53(),
        };
  cursor.end();
  return { versions, clusterId, from, to, incarnation, nonce, purpose };
}

const PURPOSES = ['messages', 'snapshot'] as const;

export function encodeChallenge(challenge: Challenge): Buffer {
  return frameOf(FRAME.challenge, 4 + INCARNATION_BYTES + NONCE_BYTES, (writer) => {
    writer.u16(challenge.version);
    writer.u16(challenge.server);
    writer.bytes(challenge.incarnation);
    writer.bytes(challenge.nonce);
  });
}

export function decodeChallenge(cursor: FrameCursor): Challenge {
  const challenge = {
    version: cursor.u16(),
    server: cursor.u16(),
    incarnation: cursor.bytes(INCARNATION_BYTES),
    nonce: cursor.bytes(NONCE_BYTES),
  };
  cursor.end();
  return challenge;
}

/** Third, from the one that dials (`proof`); fourth and last, from the one that accepts (`welcome`). */
export function encodeProof(kind: 'proof' | 'welcome', proof: Buffer): Buffer {
  return frameOf(FRAME[kind], PROOF_BYTES, (writer) => writer.bytes(proof));
}

export function decodeProof(cursor: FrameCursor): Buffer {
  const proof = cursor.bytes(PROOF_BYTES);
  cursor.end();
  return proof;
}

export function encodeRefusal(refusal: Refusal): Buffer {
  const detail = Buffer.from(refusal.detail).subarray(0, DETAIL_BYTES_MAX);
  return frameOf(FRAME.refusal, 1 + 2 + detail.byteLength, (writer) => {
    writer.u8(REFUSAL_CODES.indexOf(refusal.code) + 1);
    writer.u16(detail.byteLength);
    writer.bytes(detail);
  });
}

/** As an error to log or throw. A code of a later version is taken for MALFORMED_FRAME; its words still tell. */
export function decodeRefusal(cursor: FrameCursor): PeerError {
  const code = REFUSAL_CODES[cursor.u8() - 1] ?? 'MALFORMED_FRAME';
  const detail = cursor.bytes(cursor.u16()).toString();
  return new PeerError(code, detail);
}

function frameOf(kind: number, fieldBytes: number, write: (writer: FrameWriter) => void): Buffer {
  const writer = new FrameWriter();
  writer.open(kind, fieldBytes);
  write(writer);
  writer.seal(0);
  return Buffer.concat(writer.take());
}
