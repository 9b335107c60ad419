import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Block, Message, ServerId } from '@zkl/consensus';
import { afterEach, describe, expect, it } from 'vitest';
import { dialPeer, type Dialled } from './dial.js';
import { FrameCursor } from './frame-cursor.js';
import { decodeRefusal } from './handshake-codec.js';
import { FRAME } from './frame.js';
import { PEER_PROTOCOL_VERSIONS } from './handshake.js';
import { encodeMessage } from './message-codec.js';
import { PeerError } from './peer-error.js';
import { resolvePeerLimits, type PeerLimits } from './peer-limits.js';
import { RecordedEvents, TestCluster, until } from './test-cluster.js';
import { TestProxy } from './test-proxy.js';

const closers: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(ids: readonly ServerId[], limits: PeerLimits = {}): Promise<TestCluster> {
  const cluster = await TestCluster.open(ids, limits);
  closers.push(() => cluster.close());
  return cluster;
}

/** Puts a wire before each server. */
async function withProxies(cluster: TestCluster): Promise<Map<ServerId, TestProxy>> {
  const proxies = new Map<ServerId, TestProxy>();
  for (const [id, { port }] of cluster.members) {
    const proxy = await TestProxy.open(port);
    closers.push(() => proxy.close());
    proxies.set(id, proxy);
    cluster.members.set(id, { host: '127.0.0.1', port: proxy.port });
  }
  return proxies;
}

function numbered(request: number): Message {
  return { kind: 'readRequest', attempt: 1, request };
}

function append(payloadBytes: number): Message {
  const block: Block = {
    epoch: 1,
    leader: 1,
    firstCounter: 1,
    count: 1,
    prevEpoch: 0,
    prevCounter: 0,
    committedEpoch: 0,
    committedCounter: 0,
    timeMs: 1,
    payload: new Uint8Array(payloadBytes).fill(5),
    record: undefined,
  };
  return { kind: 'append', attempt: 1, blocks: [block], committed: { epoch: 0, counter: 0 } };
}

describe('a loss', () => {
  it('is noticed at once when a process is killed', async () => {
    const cluster = await open([1]);
    const script = fileURLToPath(new URL('./test-peer-process.ts', import.meta.url));
    const own = `1:${cluster.get(1).port.address.port}`;
    const child = spawn(process.execPath, ['--import', 'tsx', '-C', '@zkl/source', script, '2', '0', own], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    closers.push(() => void child.kill('SIGKILL'));
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    cluster.members.set(2, { host: '127.0.0.1', port: Number(printed.toString()) });
    const events = new RecordedEvents();
    await cluster.get(1).transport.start(events);
    await until(() => events.up.has(2));
    const killedMs = performance.now();
    child.kill('SIGKILL');
    await until(() => !events.up.has(2));
    const noticedMs = performance.now() - killedMs;
    // A few milliseconds; the bound leaves room for a busy machine, and none for silence, which takes 3 s to be noticed.
    expect(noticedMs).toBeLessThan(1_500);
    expect(cluster.get(1).transport.isConnected(2)).toBe(false);
  });

  it('is noticed when a host falls silent without ending its connections', async () => {
    const cluster = await open([1, 2], { pingIntervalMs: 20, silentIntervalsMax: 3 });
    const proxies = await withProxies(cluster);
    const events = await cluster.start();
    for (const proxy of proxies.values()) proxy.freeze();
    await until(() => [1, 2].every((id) => events.get(id)!.log.length >= 2));
    expect(cluster.get(1).logger.of('peer_lost')[0]?.fields['code']).toBe('LINK_SILENT');
    // New connections pass: both are up again.
    await until(() => [1, 2].every((id) => events.get(id)!.log.length >= 3));
    expect(events.get(1)?.log.slice(0, 3)).toEqual(['up 2', 'lost 2', 'up 2']);
  });

  it('is told when a peer does not keep up, before memory runs out', async () => {
    const cluster = await open([1, 2], { bufferedBytesMax: 1024 * 1024, pingIntervalMs: 60_000 });
    const events = await cluster.start();
    for (const socket of cluster.get(2).sockets.keys()) socket.pause();
    for (let count = 0; count < 1_000 && events.get(1)!.log.length === 1; count++) {
      cluster.get(1).transport.send(2, append(100_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(events.get(1)!.log[1]).toBe('lost 2');
    expect(cluster.get(1).logger.of('peer_lost')[0]?.fields['code']).toBe('SLOW_PEER');
    await until(() => events.get(1)!.log.length >= 3);
  });

  it('never lets a damaged message through', async () => {
    const cluster = await open([1, 2], { redialMaxMs: 50 });
    const proxies = await withProxies(cluster);
    const events = await cluster.start();
    for (let round = 0; round < 10; round++) {
      const before = events.get(2)!.log.length;
      let done = false;
      proxies.get(2)!.onBytes = (bytes) => {
        const at = round * 37 + 20;
        if (done || bytes.length <= at) return bytes;
        done = true;
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        return damaged;
      };
      cluster.get(1).transport.send(2, append(1_000));
      await until(() => events.get(2)!.log.length > before && events.get(1)!.up.has(2) && events.get(2)!.up.has(1));
      proxies.get(2)!.onBytes = (bytes) => bytes;
    }
    expect(events.get(2)!.messages).toEqual([]);
    const codes = new Set(
      cluster
        .get(2)
        .logger.of('peer_lost')
        .map(({ fields }) => fields['code']),
    );
    expect(codes).toContain('CORRUPT_FRAME');
    cluster.get(1).transport.send(2, numbered(1));
    await until(() => events.get(2)!.messages.length === 1);
  });
});

describe('a peer that breaks the protocol after the handshake', () => {
  /** Server 1, and a link to it of one that claims, rightly, to be server 2. */
  async function impersonate(
    limits: PeerLimits = {},
  ): Promise<{ cluster: TestCluster; link: Dialled; ended: Promise<PeerError> }> {
    const cluster = await open([1], limits);
    cluster.members.set(2, { host: '127.0.0.1', port: 1 });
    await cluster.get(1).transport.start(new RecordedEvents());
    const local = {
      id: 2,
      clusterId: 'test',
      secret: 'a secret',
      versions: PEER_PROTOCOL_VERSIONS,
      incarnation: Buffer.alloc(8, 2),
      isMember: () => true,
    };
    const address = { host: '127.0.0.1', port: cluster.get(1).port.address.port };
    const link = await dialPeer(
      1,
      address,
      { kind: 'messages' },
      local,
      resolvePeerLimits(),
      new AbortController().signal,
    );
    closers.push(() => link.frames.close(new PeerError('LINK_CLOSED', 'the test is over')));
    const ended = new Promise<PeerError>((resolve) => {
      link.frames.onClosed(resolve);
      link.frames.read((frame) => {
        const cursor = new FrameCursor(frame);
        if (cursor.kind === FRAME.refusal) resolve(decodeRefusal(cursor));
      });
    });
    return { cluster, link, ended };
  }

  it.each<[string, Buffer]>([
    ['MALFORMED_FRAME', Buffer.alloc(64)],
    ['FRAME_TOO_LARGE', Buffer.alloc(64, 0xff)],
    ['CORRUPT_FRAME', Buffer.concat([Buffer.from([64, 0, 0, 0]), Buffer.alloc(64, 0x20)])],
  ])('is told %s, and cut off', async (code, bytes) => {
    const { link, ended } = await impersonate();
    link.frames.write([bytes]);
    expect((await ended).code).toBe(code);
    await link.frames.whenClosed();
  });

  it('is cut off when it sends frames of another part of the protocol', async () => {
    const { link, ended } = await impersonate();
    link.frames.writer.open(FRAME.snapshotChunk, 0);
    link.frames.writer.seal(0);
    link.frames.flush();
    expect((await ended).code).toBe('MALFORMED_FRAME');
  });

  it('is cut off when it sends messages without end before this side can answer', async () => {
    const { link, ended } = await impersonate();
    for (let request = 0; request < 5_000; request++) encodeMessage(link.frames.writer, numbered(request));
    link.frames.flush();
    expect((await ended).code).toBe('LINK_CLOSED');
  });
});

describe('two processes of one id', () => {
  it('the second is refused and told, the first is not disturbed', async () => {
    const cluster = await open([1, 2], { probeTimeoutMs: 200 });
    const events = await cluster.start();
    const rightful = cluster.get(2);
    const impostor = await cluster.add(2, { join: false });
    const impostorEvents = new RecordedEvents();
    await impostor.transport.start(impostorEvents);
    await until(() => impostor.logger.of('peer_dial_failed').length >= 3);
    const refusal = impostor.logger.of('peer_dial_failed')[0];
    expect(refusal).toMatchObject({ level: 'error', fields: { code: 'DUPLICATE_SERVER', peer: 1 } });
    expect(refusal?.message).toContain('two live processes claim to be server 2');
    expect(cluster.get(1).logger.of('peer_refused')[0]).toMatchObject({
      level: 'error',
      fields: { code: 'DUPLICATE_SERVER', address: expect.stringContaining('127.0.0.1:') as string },
      message: refusal?.message,
    });
    expect(impostor.transport.lastError(1)?.code).toBe('DUPLICATE_SERVER');
    expect([events.get(1)!.log, events.get(2)!.log, impostorEvents.log]).toEqual([['up 2'], ['up 1'], []]);
    rightful.transport.send(1, numbered(1));
    await until(() => events.get(1)!.messages.length === 1);
  });

  it('the one at the address of the member list wins, even if it comes second', async () => {
    const cluster = await open([1, 2], { probeTimeoutMs: 200 });
    const rightful = cluster.get(2);
    const impostor = await cluster.add(2, { join: false });
    const all = [new RecordedEvents(), new RecordedEvents(), new RecordedEvents()] as const;
    await impostor.transport.start(all[0]);
    await cluster.get(1).transport.start(all[1]);
    await until(() => cluster.get(1).sockets.size === 1);
    await rightful.transport.start(all[2]);
    await until(() => all[1].up.has(2) && all[2].up.has(1));
    await until(() => impostor.transport.lastError(1)?.code === 'DUPLICATE_SERVER');
    rightful.transport.send(1, numbered(1));
    await until(() => all[1].messages.length === 1);
    expect(all[0].messages).toEqual([]);
  });

  it('the second gets in when the first is only a ghost on half-open connections', async () => {
    const cluster = await open([1, 2], { probeTimeoutMs: 100, pingIntervalMs: 100 });
    const proxies = await withProxies(cluster);
    const events = await cluster.start();
    const ghost = cluster.get(2);
    for (const proxy of proxies.values()) proxy.freeze();
    const fresh = await cluster.add(2, { join: false });
    proxies.get(2)!.target = fresh.port.address.port;
    const freshEvents = new RecordedEvents();
    const beganMs = performance.now();
    await fresh.transport.start(freshEvents);
    await until(() => freshEvents.up.has(1));
    expect(performance.now() - beganMs).toBeLessThan(2_500);
    await until(() => events.get(1)!.log.length >= 3);
    expect(events.get(1)!.log).toEqual(['up 2', 'lost 2', 'up 2']);
    // The ghost wakes: it is the duplicate now, and the one in its place is not disturbed.
    await until(() => ghost.transport.lastError(1)?.code === 'DUPLICATE_SERVER');
    fresh.transport.send(1, numbered(3));
    await until(() => events.get(1)!.messages.length === 1);
    expect(freshEvents.log).toEqual(['up 1']);
  });

  it('a server that restarts at once gets in at once', async () => {
    const cluster = await open([1, 2]);
    const events = await cluster.start();
    const old = cluster.get(2);
    await old.transport.stop();
    await old.port.close({ graceMs: 0 });
    const again = await cluster.add(2, { port: old.port.address.port });
    const againEvents = new RecordedEvents();
    const beganMs = performance.now();
    await again.transport.start(againEvents);
    await until(() => againEvents.up.has(1) && events.get(1)!.log.length >= 3);
    expect(performance.now() - beganMs).toBeLessThan(1_000);
    expect(events.get(1)!.log).toEqual(['up 2', 'lost 2', 'up 2']);
  });
});

describe('a running transport', () => {
  it('measures round trips', async () => {
    const cluster = await open([1, 2]);
    await cluster.start();
    await until(() => cluster.get(1).transport.roundTripMs(2) !== undefined);
    expect(cluster.get(1).transport.roundTripMs(2)).toBeGreaterThan(0);
    expect(cluster.get(1).transport.roundTripMs(2)).toBeLessThan(1_000);
    expect(cluster.get(1).transport.roundTripMs(9)).toBeUndefined();
  });

  it('sends what was sent before it stops', async () => {
    const cluster = await open([1, 2]);
    const events = await cluster.start();
    for (let request = 0; request < 100; request++) cluster.get(1).transport.send(2, numbered(request));
    await cluster.get(1).transport.stop();
    await until(() => events.get(2)!.log.at(-1) === 'lost 1');
    expect(events.get(2)!.messages.length).toBe(100);
  });

  it('waits for a peer that is not there yet, and finds it soon after it has come', async () => {
    const cluster = await open([1, 2]);
    const absent = cluster.get(2);
    const { port } = absent.port.address;
    await absent.transport.stop();
    await absent.port.close({ graceMs: 0 });
    const events = new RecordedEvents();
    await cluster.get(1).transport.start(events);
    await until(() => cluster.get(1).transport.lastError(2)?.code === 'CONNECT_FAILED');
    await until(() => cluster.get(1).logger.of('peer_dial_failed').length >= 4);
    const late = await cluster.add(2, { port });
    const beganMs = performance.now();
    await late.transport.start(new RecordedEvents());
    await until(() => events.up.has(2));
    // The newcomer's own dial is the hint: no wait for the next try.
    expect(performance.now() - beganMs).toBeLessThan(500);
    expect(cluster.get(1).transport.lastError(2)).toBeUndefined();
    expect(
      cluster
        .get(1)
        .logger.of('peer_dial_failed')
        .filter(({ level }) => level !== 'debug').length,
    ).toBe(1);
  });

  it('can be stopped before anything happened, and takes no connections after', async () => {
    const cluster = await open([1, 2]);
    await cluster.get(1).transport.start(new RecordedEvents());
    await cluster.get(1).transport.stop();
    const events = new RecordedEvents();
    await cluster.get(2).transport.start(events);
    await until(() => cluster.get(2).transport.lastError(1)?.code === 'STOPPING');
    expect(events.log).toEqual([]);
  });
});
