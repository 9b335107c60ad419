import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ServerId } from '@zkl/consensus';
import { PEER_MAGIC } from '../port/protocol-sniffer.js';
import { FRAME } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import type { FrameSocket } from './frame-socket.js';
import {
  decodeChallenge,
  decodeHello,
  decodeHelloVersions,
  decodeProof,
  decodeRefusal,
  encodeChallenge,
  encodeHello,
  encodeProof,
  NONCE_BYTES,
  type Hello,
  type Purpose,
  type VersionRange,
} from './handshake-codec.js';
import { PeerError } from './peer-error.js';

/** The versions of the peer protocol that this server speaks. */
export const PEER_PROTOCOL_VERSIONS: VersionRange = { min: 1, max: 1 };

/** Who this server is, towards its peers. */
export interface LocalIdentity {
  readonly id: ServerId;
  readonly clusterId: string;
  /** Shared by all servers of the cluster; the empty string is a secret that everyone knows. */
  readonly secret: string;
  readonly versions: VersionRange;
  /** Random bytes of this run. */
  readonly incarnation: Buffer;
  isMember(id: ServerId): boolean;
}

/** What a handshake established about the other side. */
export interface RemoteIdentity {
  readonly id: ServerId;
  /** In hex: two runs of a server differ in it. */
  readonly incarnation: string;
  readonly version: number;
}

/**
 * The dialling half: hello, challenge, proof, welcome. The dialler proves itself first, so that nobody learns anything about the secret by dialling a
 * server. Rejects with a `PeerError`; the caller closes the connection then.
 */
export async function dialHandshake(
  frames: FrameSocket,
  local: LocalIdentity,
  to: ServerId,
  purpose: Purpose,
): Promise<RemoteIdentity> {
  const hello = encodeHello({
    versions: local.versions,
    clusterId: local.clusterId,
    from: local.id,
    to,
    incarnation: local.incarnation,
    nonce: randomBytes(NONCE_BYTES),
    purpose,
  });
  frames.write([hello.magic, hello.frame]);
  const cursor = expect(await frames.nextFrame(), FRAME.challenge);
  const challenge = decodeChallenge(cursor);
  if (challenge.server !== to) throw wrongServer(to, challenge.server);
  const version = commonVersion(local.versions, { min: challenge.version, max: challenge.version });
  const transcript = [hello.frame.subarray(4), cursor.frame];
  frames.write([encodeProof('proof', proofOf(local.secret, 'dialler', transcript))]);
  const proof = decodeProof(expect(await frames.nextFrame(), FRAME.welcome));
  checkProof(proof, proofOf(local.secret, 'acceptor', transcript), to);
  return { id: to, incarnation: challenge.incarnation.toString('hex'), version };
}

/** An incoming connection that has proved who it is, and waits for its welcome. */
export interface Newcomer extends RemoteIdentity {
  readonly purpose: Purpose;
  /** Lets it in. */
  welcome(): void;
}

/** The accepting half, up to the proof. Rejects with a `PeerError`, which the caller tells the other side. */
export async function acceptHandshake(frames: FrameSocket, local: LocalIdentity): Promise<Newcomer> {
  const helloCursor = expect(await frames.nextFrame(), FRAME.hello);
  const versions = decodeHelloVersions(helloCursor);
  const version = commonVersion(local.versions, versions);
  const hello = decodeHello(helloCursor, versions);
  checkHello(hello, local);
  const challenge = encodeChallenge({
    version,
    server: local.id,
    incarnation: local.incarnation,
    nonce: randomBytes(NONCE_BYTES),
  });
  frames.write([challenge]);
  const transcript = [helloCursor.frame, challenge.subarray(4)];
  const proof = decodeProof(expect(await frames.nextFrame(), FRAME.proof));
  checkProof(proof, proofOf(local.secret, 'dialler', transcript), hello.from);
  return {
    id: hello.from,
    incarnation: hello.incarnation.toString('hex'),
    version,
    purpose: hello.purpose,
    welcome: () => void frames.write([encodeProof('welcome', proofOf(local.secret, 'acceptor', transcript))]),
  };
}

/** Cuts the magic off what the port has read. Throws MALFORMED_FRAME when it is not there. */
export function afterMagic(head: Buffer): Buffer {
  if (PEER_MAGIC.compare(head, 0, PEER_MAGIC.byteLength) !== 0) {
    throw new PeerError('MALFORMED_FRAME', 'the connection does not begin as one between servers does');
  }
  return head.subarray(PEER_MAGIC.byteLength);
}

function checkHello(hello: Hello, local: LocalIdentity): void {
  if (hello.clusterId !== local.clusterId) {
    const clusters = `server ${local.id} belongs to cluster "${local.clusterId}", the one that dials to "${hello.clusterId}"`;
    throw new PeerError('CLUSTER_MISMATCH', `${clusters}: check the cluster id and the addresses of the members`);
  }
  if (hello.to !== local.id) throw wrongServer(hello.to, local.id);
  if (hello.from === local.id) {
    throw new PeerError(
      'UNKNOWN_SERVER',
      `the one that dials claims id ${hello.from}, which is this server's own: give each server an id of its own`,
    );
  }
  if (!local.isMember(hello.from)) {
    throw new PeerError(
      'UNKNOWN_SERVER',
      `server ${hello.from} is no member of cluster "${local.clusterId}": check its id, and the member list of server ${local.id}`,
    );
  }
}

function wrongServer(wanted: ServerId, found: ServerId): PeerError {
  return new PeerError(
    'WRONG_SERVER',
    `the address of server ${wanted} leads to server ${found}: check the addresses in the member list`,
  );
}

function commonVersion(ours: VersionRange, theirs: VersionRange): number {
  const version = Math.min(ours.max, theirs.max);
  if (version >= Math.max(ours.min, theirs.min)) return version;
  throw new PeerError(
    'VERSION_MISMATCH',
    `peer protocol ${rangeText(ours)} here, ${rangeText(theirs)} there: upgrade the older server, one step of versions at a time`,
  );
}

function rangeText({ min, max }: VersionRange): string {
  return min === max ? `version ${min}` : `versions ${min} to ${max}`;
}

/** Both sides prove that they know the secret, for this very conversation: neither proof is of use in another, or from the other side. */
function proofOf(secret: string, role: 'dialler' | 'acceptor', transcript: readonly Buffer[]): Buffer {
  const hmac = createHmac('sha256', secret).update(`zkl peer ${role}\0`);
  for (const part of transcript) hmac.update(part);
  return hmac.digest();
}

function checkProof(given: Buffer, right: Buffer, from: ServerId): void {
  if (timingSafeEqual(given, right)) return;
  throw new PeerError(
    'BAD_PROOF',
    `server ${from} does not prove that it knows the cluster's secret: set the same peer secret on every server`,
  );
}

/** The frame, if it is of that kind. Throws what a refusal says, or MALFORMED_FRAME. */
function expect(frame: Buffer, kind: number): FrameCursor {
  const cursor = new FrameCursor(frame);
  if (cursor.kind === FRAME.refusal) throw decodeRefusal(cursor);
  if (cursor.kind !== kind)
    throw new PeerError('MALFORMED_FRAME', `a frame of kind ${cursor.kind} in place of ${kind}`);
  return cursor;
}
