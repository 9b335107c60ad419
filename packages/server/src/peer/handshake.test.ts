import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { PEER_MAGIC } from '../port/protocol-sniffer.js';
import { dialPeer, type Dialled } from './dial.js';
import { FrameCursor } from './frame-cursor.js';
import { FrameReader } from './frame-reader.js';
import {
  decodeChallenge,
  decodeHello,
  decodeHelloVersions,
  decodeRefusal,
  encodeHello,
  encodeProof,
  encodeRefusal,
} from './handshake-codec.js';
import { PEER_PROTOCOL_VERSIONS, type LocalIdentity } from './handshake.js';
import { PeerError, type PeerErrorCode } from './peer-error.js';
import { resolvePeerLimits } from './peer-limits.js';
import { RecordedEvents, TestCluster, until } from './test-cluster.js';

const limits = resolvePeerLimits();
const clusters: TestCluster[] = [];
const links: Dialled[] = [];

afterEach(async () => {
  for (const { frames } of links.splice(0)) frames.close(new PeerError('LINK_CLOSED', 'the test is over'));
  for (const cluster of clusters.splice(0)) await cluster.close();
});

/** Server 1 of a cluster of 1 and 2; server 2 is not there. */
async function open(peerLimits = {}): Promise<TestCluster> {
  const cluster = await TestCluster.open([1], peerLimits);
  clusters.push(cluster);
  cluster.members.set(2, { host: '127.0.0.1', port: 1 });
  await cluster.get(1).transport.start(new RecordedEvents());
  return cluster;
}

function identity(override: Partial<LocalIdentity> = {}): LocalIdentity {
  return {
    id: 2,
    clusterId: 'test',
    secret: 'a secret',
    versions: PEER_PROTOCOL_VERSIONS,
    incarnation: Buffer.alloc(8, 2),
    isMember: () => true,
    ...override,
  };
}

async function dial(cluster: TestCluster, local: LocalIdentity, to = 1): Promise<Dialled> {
  const address = { host: '127.0.0.1', port: cluster.get(1).port.address.port };
  const dialled = await dialPeer(to, address, { kind: 'messages' }, local, limits, new AbortController().signal);
  links.push(dialled);
  return dialled;
}

async function refusalOf(attempt: Promise<unknown>): Promise<PeerError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PeerError);
  return error as PeerError;
}

describe('the handshake', () => {
  it('lets a member in', async () => {
    const { remote } = await dial(await open(), identity());
    expect(remote).toMatchObject({ id: 1, version: 1 });
    expect(remote.incarnation).toMatch(/^[0-9a-f]{16}$/);
  });

  const wrong: [PeerErrorCode, Partial<LocalIdentity>, RegExp][] = [
    ['CLUSTER_MISMATCH', { clusterId: 'other' }, /cluster "test".*"other"/],
    ['UNKNOWN_SERVER', { id: 7 }, /server 7 is no member/],
    ['UNKNOWN_SERVER', { id: 1 }, /claims id 1, which is this server's own/],
    ['BAD_PROOF', { secret: 'another' }, /set the same peer secret/],
    ['BAD_PROOF', { secret: '' }, /set the same peer secret/],
    ['VERSION_MISMATCH', { versions: { min: 2, max: 4 } }, /version 1 here, versions 2 to 4 there/],
  ];
  it.each(wrong)('refuses with %s, and says why on both sides', async (code, override, text) => {
    const cluster = await open();
    const error = await refusalOf(dial(cluster, identity(override)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(text);
    const { logger } = cluster.get(1);
    await until(() => logger.of('peer_refused').length === 1);
    const line = logger.of('peer_refused')[0];
    expect(line).toMatchObject({
      level: 'error',
      fields: { code, address: expect.stringContaining('127.0.0.1:') as string },
    });
    expect(line?.message).toMatch(text);
  });

  it('tells a dialler that it reached another server than it meant', async () => {
    const error = await refusalOf(dial(await open(), identity(), 5));
    expect(error).toMatchObject({
      code: 'WRONG_SERVER',
      message: expect.stringContaining('address of server 5 leads to server 1') as string,
    });
  });

  it('does not trust an acceptor that does not know the secret', async () => {
    const cluster = await open();
    // The acceptor would take any proof: it is the dialler that must notice.
    const impostor = await cluster.add(3, { secret: 'guess' });
    await impostor.transport.start(new RecordedEvents());
    const address = { host: '127.0.0.1', port: impostor.port.address.port };
    const error = await refusalOf(
      dialPeer(3, address, { kind: 'messages' }, identity(), limits, new AbortController().signal),
    );
    expect(error.code).toBe('BAD_PROOF');
  });

  it('speaks the highest version that both do', async () => {
    const cluster = await open();
    const { remote } = await dial(cluster, identity({ versions: { min: 1, max: 9 } }));
    expect(remote.version).toBe(1);
  });
});

describe('a bad start', () => {
  /** Sends bytes after the magic, and resolves with all that came back when the connection has ended. */
  async function send(cluster: TestCluster, bytes: Uint8Array, andThen?: (frame: Buffer) => Buffer): Promise<Buffer[]> {
    const socket = connect(cluster.get(1).port.address.port, '127.0.0.1');
    const reader = new FrameReader(1 << 20);
    const frames: Buffer[] = [];
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      reader.push(piece);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        frames.push(frame);
        if (frames.length === 1 && andThen !== undefined) socket.write(andThen(frame));
      }
    });
    socket.write(Buffer.concat([PEER_MAGIC, bytes]));
    let closed = false;
    socket.on('close', () => (closed = true));
    await until(() => closed);
    return frames;
  }

  function refusalIn(frame: Buffer | undefined): PeerError {
    return decodeRefusal(new FrameCursor(frame!));
  }

  function helloFrame(): Buffer {
    const nonce = Buffer.alloc(32, 9);
    const hello = {
      versions: PEER_PROTOCOL_VERSIONS,
      clusterId: 'test',
      from: 2,
      to: 1,
      incarnation: Buffer.alloc(8),
      nonce,
    };
    return encodeHello({ ...hello, purpose: { kind: 'messages' } }).frame;
  }

  it('with a frame that is too large is refused before it has come', async () => {
    const [frame] = await send(await open(), Buffer.from([0, 0, 1, 0]));
    expect(refusalIn(frame).code).toBe('FRAME_TOO_LARGE');
  });

  it('with a frame of another kind is refused', async () => {
    const [frame] = await send(await open(), encodeProof('proof', Buffer.alloc(32)));
    expect(refusalIn(frame).code).toBe('MALFORMED_FRAME');
  });

  it('with a damaged frame is refused', async () => {
    const hello = helloFrame();
    hello[20] = (hello[20] ?? 0) ^ 1;
    const [frame] = await send(await open(), hello);
    expect(refusalIn(frame).code).toBe('CORRUPT_FRAME');
  });

  it('with a proof of another conversation is refused', async () => {
    const cluster = await open();
    const frames = await send(cluster, helloFrame(), (frame) => {
      expect(decodeChallenge(new FrameCursor(frame)).server).toBe(1);
      return encodeProof('proof', Buffer.alloc(32, 1));
    });
    expect(refusalIn(frames[1]).code).toBe('BAD_PROOF');
  });

  it('that goes no further is ended, at any step', async () => {
    const cluster = await open({ handshakeTimeoutMs: 100, probeTimeoutMs: 50 });
    const [nothing, half, unproved] = await Promise.all([
      send(cluster, Buffer.alloc(0)),
      send(cluster, helloFrame().subarray(0, 30)),
      send(cluster, helloFrame()),
    ]);
    expect([nothing.length, half.length, unproved.length]).toEqual([0, 0, 1]);
    expect(
      cluster
        .get(1)
        .logger.of('peer_refused')
        .every(({ fields }) => fields['code'] === 'HANDSHAKE_TIMEOUT'),
    ).toBe(true);
    await dial(cluster, identity());
  });

  it('of many at once gives way to those that come later', async () => {
    const cluster = await open({ handshakesMax: 4, handshakeTimeoutMs: 300, probeTimeoutMs: 50 });
    const stuck = Array.from({ length: 20 }, () => send(cluster, Buffer.alloc(0)));
    await until(() => cluster.get(1).port.connections >= 20 || cluster.get(1).logger.of('peer_refused').length >= 10);
    await dial(cluster, identity());
    const ended = await Promise.all(stuck);
    expect(
      ended.filter((frames) => frames.length === 1 && refusalIn(frames[0]).code === 'OVERLOADED').length,
    ).toBeGreaterThanOrEqual(16);
  });

  it('of random bytes never disturbs the server', async () => {
    const cluster = await open({ handshakeTimeoutMs: 200, probeTimeoutMs: 50 });
    const bytes = fc.sample(fc.oneof(fc.uint8Array({ maxLength: 400 }), damagedHello(helloFrame())), 150);
    await Promise.all(bytes.map((each) => send(cluster, each)));
    await dial(cluster, identity());
  });

  function damagedHello(hello: Buffer): fc.Arbitrary<Uint8Array> {
    return fc.tuple(fc.nat({ max: hello.length - 1 }), fc.nat({ max: 255 })).map(([at, value]) => {
      const damaged = Buffer.from(hello);
      damaged[at] = value;
      return damaged;
    });
  }
});

describe('the frames of the handshake', () => {
  it('come out as they went in', () => {
    const bytes = (length: number): fc.Arbitrary<Buffer> =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((each) => Buffer.from(each));
    const id = fc.integer({ min: 0, max: 65_535 });
    const purpose = fc.oneof(
      fc.constant({ kind: 'messages' as const }),
      fc.record({
        kind: fc.constant('snapshot' as const),
        attempt: fc.maxSafeNat(),
        zxid: fc.record({ epoch: fc.nat(), counter: fc.nat() }),
        sizeBytes: fc.maxSafeNat(),
      }),
    );
    const hello = fc.record({
      versions: fc.tuple(id, id).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
      clusterId: fc.string({ maxLength: 60 }),
      from: id,
      to: id,
      incarnation: bytes(8),
      nonce: bytes(32),
      purpose,
    });
    fc.assert(
      fc.property(hello, (one) => {
        const cursor = new FrameCursor(encodeHello(one).frame.subarray(4));
        expect(decodeHello(cursor, decodeHelloVersions(cursor))).toEqual(one);
      }),
    );
  });

  it('keep a refusal readable, however long its text', () => {
    const frame = encodeRefusal({ code: 'UNKNOWN_SERVER', detail: 'é'.repeat(5_000) });
    const error = decodeRefusal(new FrameCursor(frame.subarray(4)));
    expect(error.code).toBe('UNKNOWN_SERVER');
    expect(error.message.startsWith('ééé')).toBe(true);
    expect(frame.length).toBeLessThan(1_100);
  });
});
