import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type Client } from '@connectrpc/connect';
import {
  Consistency,
  CreateMode,
  Outcome,
  SessionService,
  WatchScope,
  WatchService,
  ZnodeService,
  type WatchBatch,
} from '@zkl/protocol';
import { describe, expect, it } from 'vitest';
import { connectTo, detailOf } from './clients.js';
import { keepPinging, openSession, StreamClient, type TestSession } from './stream-client.js';
import { Cleanup, startCluster, startServer, until, type EmbeddedCluster } from './support.js';

interface Clients {
  readonly sessions: Client<typeof SessionService>;
  readonly znodes: Client<typeof ZnodeService>;
  readonly watches: Client<typeof WatchService>;
  readonly attach: (session: TestSession, attachment: bigint, lastSeenZxid?: bigint) => Promise<StreamClient>;
}

function clientsTo(cleanup: Cleanup, url: string): Clients {
  const transport = connectTo(cleanup, url);
  return {
    sessions: createClient(SessionService, transport),
    znodes: createClient(ZnodeService, transport),
    watches: createClient(WatchService, transport),
    attach: async (session, attachment, lastSeenZxid = 0n) => {
      const stream = await StreamClient.open(transport, { session: session.ref, attachment, lastSeenZxid });
      cleanup.add(() => stream.kill());
      return stream;
    },
  };
}

async function createEphemeral(znodes: Client<typeof ZnodeService>, path: string, session: TestSession): Promise<void> {
  const created = await znodes.create({ path, mode: CreateMode.EPHEMERAL, session: session.ref });
  expect(created.stat?.ephemeralOwner).toBe(session.id);
}

async function isThere(znodes: Client<typeof ZnodeService>, path: string): Promise<boolean> {
  const { stat } = await znodes.exists({ path, read: { consistency: Consistency.LOCAL } });
  return stat !== undefined;
}

/** Watches a subtree and keeps the batches that have events. */
function watchTree(
  cleanup: Cleanup,
  watches: Client<typeof WatchService>,
  path: string,
): { batches: WatchBatch[]; stands: Promise<void> } {
  const abort = new AbortController();
  cleanup.add(() => abort.abort());
  const batches: WatchBatch[] = [];
  let stand = (): void => undefined;
  const stands = new Promise<void>((resolve) => (stand = resolve));
  void (async () => {
    try {
      for await (const { header, batch } of watches.watch(
        { path, scope: WatchScope.SUBTREE },
        { signal: abort.signal },
      )) {
        if (header !== undefined) stand();
        if (batch !== undefined && batch.events.length > 0) batches.push(batch);
      }
    } catch {
      // Ended by the test.
    }
  })();
  return { batches, stands };
}

async function followers(cluster: EmbeddedCluster): Promise<number[]> {
  const leader = (await cluster.leader()).status().serverId;
  return [...cluster.servers.keys()].filter((id) => id !== leader);
}

describe('sessions on one server', () => {
  it('grants timeouts within its bounds, and ten seconds to who asks for none', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup, {
      timing: { minSessionTimeoutMs: 1_000, maxSessionTimeoutMs: 60_000 },
    });
    const { sessions } = clientsTo(cleanup, baseUrl);
    expect((await openSession(sessions, 1)).timeoutMs).toBe(1_000);
    expect((await openSession(sessions, 5_000)).timeoutMs).toBe(5_000);
    expect((await openSession(sessions, 4_000_000)).timeoutMs).toBe(60_000);
    expect((await openSession(sessions, 0)).timeoutMs).toBe(10_000);
    expect(await detailOf(sessions.open({ secretHash: new Uint8Array(31) }))).toMatchObject({ code: 'BAD_ARGUMENTS' });
  });

  it('owns ephemerals through unary calls, and takes all of them with it when it is closed', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup);
    const { sessions, znodes } = clientsTo(cleanup, baseUrl);
    const session = await openSession(sessions, 10_000);
    await createEphemeral(znodes, '/one', session);
    const second = await znodes.create({ path: '/two-', mode: CreateMode.EPHEMERAL_SEQUENTIAL, session: session.ref });
    expect(second.path).toMatch(/^\/two-\d{10}$/);
    expect(await detailOf(znodes.create({ path: '/one/child' }))).toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS' });
    expect(await detailOf(znodes.create({ path: '/x', mode: CreateMode.EPHEMERAL }))).toMatchObject({
      code: 'BAD_ARGUMENTS',
    });
    expect(server.status().sessions).toBe(1);
    expect((await sessions.close({ session: session.ref })).deleted).toBe(2);
    expect(server.status()).toMatchObject({ sessions: 0, znodes: 1 });
    const late = znodes.create({ path: '/three', mode: CreateMode.EPHEMERAL, session: session.ref });
    expect(await detailOf(late)).toMatchObject({ code: 'SESSION_EXPIRED', outcome: Outcome.REJECTED });
    expect(await detailOf(sessions.keepAlive({ session: session.ref }))).toMatchObject({ code: 'SESSION_EXPIRED' });
  });

  it('gives a retried write its first answer even when the session has ended since', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const { sessions, znodes } = clientsTo(cleanup, baseUrl);
    const session = await openSession(sessions, 10_000);
    const writeId = { clientId: 'a-client', requestId: 1n, answeredThrough: 0n };
    const create = { path: '/lock-', mode: CreateMode.EPHEMERAL_SEQUENTIAL, session: session.ref, writeId };
    const first = await znodes.create(create);
    await sessions.close({ session: session.ref });
    const again = await znodes.create(create);
    expect(again.path).toBe(first.path);
    expect(again.header?.zxid).toBe(first.header?.zxid);
    const next = { ...create, writeId: { ...writeId, requestId: 2n } };
    expect(await detailOf(znodes.create(next))).toMatchObject({ code: 'SESSION_EXPIRED' });
  });

  it('is not disturbed by a wrong secret, whatever is tried with it', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const { sessions, znodes, attach } = clientsTo(cleanup, baseUrl);
    const session = await openSession(sessions, 1_000);
    const owner = await attach(session, 1n);
    cleanup.add(keepPinging(owner, 300));
    await createEphemeral(znodes, '/mine', session);
    const forged: TestSession = { ...session, ref: { ...session.ref, secret: randomBytes(16) } };
    await expect(attach(forged, 99n)).rejects.toThrow('AUTH_FAILED');
    expect(await detailOf(sessions.keepAlive({ session: forged.ref }))).toMatchObject({ code: 'AUTH_FAILED' });
    expect(await detailOf(sessions.close({ session: forged.ref }))).toMatchObject({ code: 'AUTH_FAILED' });
    const create = znodes.create({ path: '/theirs', mode: CreateMode.EPHEMERAL, session: forged.ref });
    expect(await detailOf(create)).toMatchObject({ code: 'AUTH_FAILED' });
    const { pong } = owner;
    await until('a pong', () => owner.pong > pong + 3n);
    expect(owner.closed).toBe(false);
    expect(await isThere(znodes, '/mine')).toBe(true);
  });

  it('is kept alive by unary calls alone, and expires soon after the last', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup);
    const { sessions, znodes } = clientsTo(cleanup, baseUrl);
    const session = await openSession(sessions, 500);
    await createEphemeral(znodes, '/here', session);
    for (let round = 0; round < 10; round += 1) {
      await delay(150);
      expect((await sessions.keepAlive({ session: session.ref })).timeoutMs).toBe(500);
    }
    const lastMs = performance.now();
    expect(await isThere(znodes, '/here')).toBe(true);
    await until('expiry', () => server.status().sessions === 0);
    // The keep-alive was counted before its answer came: nearly the whole timeout is left after it.
    expect(performance.now() - lastMs).toBeGreaterThan(350);
    expect(await isThere(znodes, '/here')).toBe(false);
  });

  it('ends its stream with the reason when it is closed elsewhere', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const { sessions, attach } = clientsTo(cleanup, baseUrl);
    const session = await openSession(sessions, 10_000);
    const stream = await attach(session, 1n);
    await sessions.close({ session: session.ref });
    await until('the end', () => stream.closed);
    expect(stream.goodbye?.code).toBe('SESSION_EXPIRED');
  });

  it('is bounded in number', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup, { limits: { sessionsMax: 2 } });
    const { sessions } = clientsTo(cleanup, baseUrl);
    const first = await openSession(sessions, 10_000);
    await openSession(sessions, 10_000);
    await expect(openSession(sessions, 10_000)).rejects.toThrow('TOO_MANY_SESSIONS');
    await sessions.close({ session: first.ref });
    await openSession(sessions, 10_000);
  });
});

describe('sessions of a cluster', () => {
  it('expire in one zxid on all servers, whatever they own', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const clients = [1, 2, 3].map((id) => clientsTo(cleanup, cluster.url(id)));
    const watched = clients.map(({ watches }) => watchTree(cleanup, watches, '/'));
    await Promise.all(watched.map(({ stands }) => stands));
    const { sessions, znodes } = clients[0]!;
    const session = await openSession(sessions, 500);
    for (const path of ['/a', '/b', '/c']) await createEphemeral(znodes, path, session);
    const gone = (batches: WatchBatch[]): WatchBatch[] => batches.filter(({ events }) => events[0]!.type === 3);
    await until('expiry everywhere', () => watched.every(({ batches }) => gone(batches).length > 0));
    const zxids = watched.map(({ batches }) => {
      const [batch, ...more] = gone(batches);
      expect(more).toEqual([]);
      expect(batch!.events.map(({ path }) => path).sort()).toEqual(['/a', '/b', '/c']);
      return batch!.zxid;
    });
    expect(new Set(zxids).size).toBe(1);
    for (const server of cluster.servers.values()) expect(server.status().sessions).toBe(0);
  });

  it('survive a change of leader with a full timeout, and keep their ephemerals', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const [followerId] = await followers(cluster);
    const { sessions, znodes } = clientsTo(cleanup, cluster.url(followerId!));
    const timeoutMs = 2_000;
    const session = await openSession(sessions, timeoutMs);
    await createEphemeral(znodes, '/kept', session);
    await delay(timeoutMs * 0.6);
    const leader = await cluster.leader();
    cluster.servers.delete(leader.status().serverId);
    await leader.stop({ graceful: false });
    await cluster.leader();
    const servesSinceMs = performance.now();
    // Nothing was heard of the session for more than its timeout by now, but for the change of leader.
    await delay(timeoutMs * 0.7);
    expect(await isThere(znodes, '/kept')).toBe(true);
    await until('expiry', async () => !(await isThere(znodes, '/kept')));
    const heldMs = performance.now() - servesSinceMs;
    expect(heldMs).toBeGreaterThan(timeoutMs - 300);
    expect(heldMs).toBeLessThan(timeoutMs + 2_000);
  });

  it('are never expired while their clients ping, though leaders come and go', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const keptId = (await followers(cluster))[0]!;
    const { sessions, znodes, attach } = clientsTo(cleanup, cluster.url(keptId));
    const session = await openSession(sessions, 1_500);
    await createEphemeral(znodes, '/alive', session);
    const stream = await attach(session, 1n);
    cleanup.add(keepPinging(stream, 300));
    for (let round = 0; round < 3; round += 1) {
      const leader = await cluster.leader();
      const leaderId = leader.status().serverId;
      if (leaderId === keptId) break;
      cluster.servers.delete(leaderId);
      await leader.stop({ graceful: false });
      await cluster.leader();
      const { pong } = stream;
      await until('pongs under the new leader', () => stream.pong > pong + 2n);
      await cluster.start(leaderId);
      await until('all to serve', () => [...cluster.servers.values()].every((server) => server.status().serving));
    }
    expect(stream.closed).toBe(false);
    const alive = await znodes.exists({ path: '/alive' });
    expect(alive.stat?.ephemeralOwner).toBe(session.id);
  });

  it('move to another server with a new attachment, and the older stream hears of it at once', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const [first, second] = await followers(cluster);
    const here = clientsTo(cleanup, cluster.url(first!));
    const there = clientsTo(cleanup, cluster.url(second!));
    const session = await openSession(here.sessions, 10_000);
    await createEphemeral(here.znodes, '/moves', session);
    const older = await here.attach(session, 1n);
    const newer = await there.attach(session, 2n);
    await until('the older stream to end', () => older.closed, 2_000);
    expect(older.goodbye?.code).toBe('SESSION_MOVED');
    // The one that comes too late is refused, and does not disturb.
    await expect(here.attach(session, 1n)).rejects.toThrow('SESSION_MOVED');
    newer.ping();
    await until('a pong', () => newer.pong === 1n);
    // On one and the same server too.
    const newest = await there.attach(session, 3n);
    await until('the stream before to end', () => newer.closed, 2_000);
    expect(newer.goodbye?.code).toBe('SESSION_MOVED');
    expect(newest.closed).toBe(false);
    expect(await isThere(there.znodes, '/moves')).toBe(true);
  });

  it('get no confirmation from a follower that is cut off from the leader', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3, { timing: { leaderGraceMs: 60_000 } });
    const keptId = (await followers(cluster))[0]!;
    const { sessions, attach } = clientsTo(cleanup, cluster.url(keptId));
    const session = await openSession(sessions, 10_000);
    const stream = await attach(session, 1n);
    stream.ping();
    await until('a pong', () => stream.pong === 1n);
    await Promise.all(
      [...cluster.servers].filter(([id]) => id !== keptId).map(([, server]) => server.stop({ graceful: false })),
    );
    stream.ping();
    const unconfirmed = sessions.keepAlive({ session: session.ref }, { timeoutMs: 1_500 });
    expect(['NO_QUORUM', 'NO_LEADER', 'REQUEST_TIMEOUT']).toContain((await detailOf(unconfirmed)).code);
    expect(stream.pong).toBe(1n);
  });

  it('get no confirmation from a leader that a quorum has left, before it knows', async () => {
    await using cleanup = new Cleanup();
    // It would take a minute to notice by itself.
    const timing = { electionTimeoutMs: 60_000, leaderGraceMs: 60_000 };
    const cluster = await startCluster(cleanup, 3, { timing });
    const leader = await cluster.leader();
    const leaderId = leader.status().serverId;
    const { sessions, attach } = clientsTo(cleanup, cluster.url(leaderId));
    const session = await openSession(sessions, 10_000);
    const stream = await attach(session, 1n);
    stream.ping();
    await until('a pong', () => stream.pong === 1n);
    await Promise.all(
      [...cluster.servers].filter(([id]) => id !== leaderId).map(([, server]) => server.stop({ graceful: false })),
    );
    stream.ping();
    await delay(1_000);
    expect(stream.pong).toBe(1n);
  });

  it('are known to a server that lags: it waits for what the client saw, or sends it elsewhere', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const [first, second] = await followers(cluster);
    const here = clientsTo(cleanup, cluster.url(first!));
    const there = clientsTo(cleanup, cluster.url(second!));
    for (let round = 0; round < 20; round += 1) {
      const session = await openSession(here.sessions, 10_000);
      const stream = await there.attach(session, 1n, session.id);
      expect(stream.welcome!.header!.zxid).toBeGreaterThanOrEqual(session.id);
      await createEphemeral(there.znodes, `/round-${round}`, session);
    }
    const session = await openSession(here.sessions, 10_000);
    await expect(there.attach(session, 1n, session.id + 1_000n)).rejects.toThrow('NOT_SYNCED');
  });
});
