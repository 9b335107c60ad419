import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { SessionService, ZnodeService } from '@zkl/protocol';
import type { Command, Reply, WriteId } from '@zkl/wire';
import { describe, expect, it } from 'vitest';
import { connectTo } from './clients.js';
import { keepPinging, openSession, StreamClient } from './stream-client.js';
import { Cleanup, startCluster, startServer, until } from './support.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const idOf = (requestId: number, answeredThrough = 0): WriteId => ({
  clientId: 'a-client',
  requestId,
  answeredThrough,
});

const create = (path: string): Command => ({ kind: 'create', path, data: null, mode: 'persistent' });
const set = (path: string, text: string): Command => ({ kind: 'set', path, data: bytes(text), expectedVersion: -1 });
const append = (
  requestId: number,
  answeredThrough: number,
): { command: Command; tags: { writeId: WriteId; ordered: true } } => ({
  command: { kind: 'create', path: '/log/n-', data: bytes(String(requestId)), mode: 'persistentSequential' },
  tags: { writeId: idOf(requestId, answeredThrough), ordered: true },
});

const kinds = (replies: readonly Reply[]): string[] =>
  replies.map((reply) => (reply.kind === 'refused' || reply.kind === 'error' ? reply.code : reply.kind));

async function streamTo(cleanup: Cleanup, url: string): Promise<StreamClient> {
  const stream = await StreamClient.open(connectTo(cleanup, url));
  cleanup.add(() => stream.kill());
  return stream;
}

describe('a session stream', () => {
  it.each([
    ['gRPC, on the lane', (cleanup: Cleanup, url: string) => connectTo(cleanup, url)],
    ['Connect', (_: Cleanup, baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '2' })],
  ])('answers all in the order in which it was asked, each seeing what came before it: %s', async (_, transport) => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const stream = await StreamClient.open(transport(cleanup, baseUrl));
    cleanup.add(() => stream.kill());
    expect(stream.welcome).toMatchObject({ layout: 1, timeoutMs: 0, valueBytesMax: 1_048_576 });
    stream.write({ command: create('/a') }, { command: set('/a', '1') });
    stream.operate({ kind: 'read', query: { kind: 'get', path: '/a' } });
    stream.write({ command: set('/a', '2') });
    stream.operate(
      { kind: 'read', query: { kind: 'get', path: '/a' }, linearizable: false },
      { kind: 'sync' },
      { kind: 'read', query: { kind: 'exists', path: '/none' } },
      { kind: 'read', query: { kind: 'get', path: '/none' } },
      { kind: 'read', query: { kind: 'count', path: '/' } },
      {
        kind: 'read',
        query: {
          kind: 'multi',
          reads: [
            { kind: 'get', path: '/a' },
            { kind: 'exists', path: '/b' },
          ],
        },
      },
    );
    const replies = await stream.nextReplies(10);
    expect(kinds(replies)).toEqual([
      'created',
      'set',
      'node',
      'set',
      'node',
      'done',
      'exists',
      'NO_NODE',
      'count',
      'multi',
    ]);
    const data = replies.flatMap((reply) => (reply.kind === 'node' ? [new TextDecoder().decode(reply.data)] : []));
    expect(data).toEqual(['1', '2']);
    expect(replies[8]).toMatchObject({ count: 1 });
  });

  it('keeps its order over thousands of pipelined operations, on the leader and on a follower', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    await streamTo(cleanup, cluster.url(1)).then(async (stream) => {
      stream.write({ command: create('/log') });
      await stream.nextReplies(1);
    });
    for (const id of [1, 2, 3]) {
      const stream = await streamTo(cleanup, cluster.url(id));
      for (let message = 0; message < 20; message += 1) {
        stream.write(
          ...Array.from({ length: 100 }, () => ({
            command: { kind: 'create', path: '/log/n-', data: null, mode: 'persistentSequential' } as const,
          })),
        );
        stream.operate({ kind: 'read', query: { kind: 'exists', path: '/log' }, linearizable: message % 2 === 0 });
      }
      const replies = await stream.nextReplies(2_020, 30_000);
      const paths = replies.flatMap((reply) => (reply.kind === 'created' ? [reply.path] : []));
      expect(paths).toHaveLength(2_000);
      expect(paths).toEqual([...paths].sort());
      let seen = 0;
      for (const reply of replies) {
        if (reply.kind === 'created') seen += 1;
        // A read sees all the writes of this stream that come before it, and may see those that were under way behind it.
        else if (reply.kind === 'exists') {
          expect(reply.stat!.numChildren).toBeGreaterThanOrEqual((id - 1) * 2_000 + seen);
        }
      }
    }
  });

  it('tells of a change before anything that shows it, also to who made it', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    for (const id of [1, 2, 3]) {
      const stream = await streamTo(cleanup, cluster.url(id));
      const path = `/on-${id}`;
      stream.operate({ kind: 'watch', watch: { id: 7, path, scope: 'node' } });
      await stream.nextReplies(1);
      stream.write({ command: create(path) });
      for (let round = 0; round < 200; round += 1) {
        stream.write({ command: set(path, String(round)) });
        stream.operate({ kind: 'read', query: { kind: 'get', path }, linearizable: round % 2 === 0 });
      }
      await stream.nextReplies(401, 20_000);
      let told = 0n;
      for (const arrival of stream.arrivals) {
        if (arrival.kind === 'events') {
          expect(arrival.batch.watchIds).toEqual([7]);
          told = arrival.batch.zxid;
        } else if (arrival.reply.kind === 'set') {
          expect(told).toBeGreaterThanOrEqual(zxidOf(arrival.reply));
        } else if (arrival.reply.kind === 'node') {
          const { mzxid } = arrival.reply.stat;
          expect(told).toBeGreaterThanOrEqual(zxidOf({ zxid: mzxid }));
        }
      }
      expect(stream.batches.flatMap(({ events }) => events)).toHaveLength(201);
    }
  });

  it('keeps the order of its writes when leaders are killed, each applied once, none lost', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3, { timing: { leaderGraceMs: 20_000 } });
    const first = await cluster.leader();
    const keptId = [...cluster.servers.keys()].find((id) => id !== first.status().serverId)!;
    const stream = await streamTo(cleanup, cluster.url(keptId));
    stream.write({ command: create('/log'), tags: { writeId: idOf(1), ordered: true } });
    await stream.nextReplies(1);
    let sent = 1;
    const stop = new AbortController();
    const sending = (async () => {
      while (!stop.signal.aborted) {
        // So many replies are kept for a client; it says what it has heard.
        const answered = 1 + stream.replies.length;
        stream.write(...Array.from({ length: 20 }, () => append((sent += 1), answered)));
        await delay(2);
        // What a client may have under way is bounded.
        while (sent - stream.replies.length > 2_000 && !stop.signal.aborted) await delay(5);
      }
    })();
    await until('writes', () => stream.replies.length > 500);
    for (let round = 0; round < 2; round += 1) {
      const leader = await cluster.leader();
      const leaderId = leader.status().serverId;
      if (leaderId === keptId) break;
      cluster.servers.delete(leaderId);
      await leader.stop({ graceful: false });
      await cluster.leader();
      const answered = stream.replies.length;
      await until('writes under the next leader', () => stream.replies.length > answered + 200, 20_000);
      await cluster.start(leaderId);
      await until('all to serve', () => [...cluster.servers.values()].every((server) => server.status().serving));
    }
    stop.abort();
    await sending;
    const replies = await stream.nextReplies(sent - 1, 20_000);
    expect(stream.closed).toBe(false);
    const { leaderId } = stream.leaders.at(-1)!;
    expect(leaderId).toBe((await cluster.leader()).status().serverId);
    const paths = replies.map((reply) => (reply.kind === 'created' ? reply.path : JSON.stringify(reply)));
    // Nobody else writes there: the names are the very sequence of the requests.
    expect(paths).toEqual(paths.map((_, index) => `/log/n-${String(index).padStart(10, '0')}`));
    const znodes = createClient(ZnodeService, connectTo(cleanup, cluster.url(keptId)));
    const last = await znodes.get({ path: paths.at(-1)! });
    expect(new TextDecoder().decode(last.data)).toBe(String(sent));
  });

  it('refuses what clients may not write, and goes on', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const transport = connectTo(cleanup, baseUrl);
    const other = await openSession(createClient(SessionService, transport), 10_000);
    const stream = await streamTo(cleanup, baseUrl);
    const session = { epoch: Number(other.id >> 32n), counter: Number(other.id & 0xffff_ffffn) };
    stream.write(
      { command: { kind: 'sessionsExpire', sessions: [session] } },
      { command: { kind: 'reap', nodes: [] } },
      { command: { kind: 'create', path: '/x', data: null, mode: 'ephemeral' }, tags: { session } },
      { command: { kind: 'sessionClose' }, tags: { session } },
      { command: { kind: 'sessionOpen', timeoutMs: 1, secretHash: new Uint8Array(32) } },
      { command: create('/fine') },
    );
    expect(kinds(await stream.nextReplies(6))).toEqual([
      'BAD_ARGUMENTS',
      'BAD_ARGUMENTS',
      'AUTH_FAILED',
      'AUTH_FAILED',
      'BAD_ARGUMENTS',
      'created',
    ]);
  });

  it('ends with the reason when it is told what is no operation, or no hello', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup);
    const broken = await streamTo(cleanup, baseUrl);
    broken.write({ command: create('/before') });
    broken.send({ operations: new Uint8Array([200, 1, 2, 3]) });
    await until('the end', () => broken.closed);
    expect(broken.goodbye?.code).toBe('MARSHALLING_ERROR');
    const transport = connectTo(cleanup, baseUrl);
    const speaksMore = new StreamClient(transport, { layout: 2 });
    await until('the end', () => speaksMore.closed);
    expect(speaksMore.goodbye?.code).toBe('UNIMPLEMENTED');
    const twice = await streamTo(cleanup, baseUrl);
    twice.send({ hello: { layout: 1 } });
    await until('the end', () => twice.closed);
    expect(twice.goodbye?.code).toBe('BAD_ARGUMENTS');
    await until('nothing to be left over', () => server.status().watches === 0);
  });

  it('answers what is under way when its client says no more', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const stream = await streamTo(cleanup, baseUrl);
    stream.write({ command: create('/a') }, { command: create('/b') });
    await delay(0);
    stream.end();
    expect(kinds(await stream.nextReplies(2))).toEqual(['created', 'created']);
    await until('the end', () => stream.closed);
    expect(stream.goodbye).toBeUndefined();
  });

  it('ends when the server stops, and says so', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup);
    const stream = await streamTo(cleanup, baseUrl);
    await server.stop();
    await until('the end', () => stream.closed);
    expect(stream.goodbye?.code).toBe('SHUTTING_DOWN');
  });

  it('carries signs of life beside the operations, and confirms the newest', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const transport = connectTo(cleanup, cluster.url(2));
    const session = await openSession(createClient(SessionService, transport), 1_000);
    const stream = await StreamClient.open(transport, { session: session.ref, attachment: 1n });
    cleanup.add(() => stream.kill());
    expect(stream.welcome?.timeoutMs).toBe(1_000);
    for (let round = 0; round < 50; round += 1) stream.ping();
    await until('the last pong', () => stream.pong === 50n);
    cleanup.add(keepPinging(stream, 250));
    const owner = { epoch: Number(session.id >> 32n), counter: Number(session.id & 0xffff_ffffn) };
    stream.write({
      command: { kind: 'create', path: '/own', data: null, mode: 'ephemeral' },
      tags: { session: owner },
    });
    expect((await stream.nextReplies(1))[0]).toMatchObject({ kind: 'created', stat: { ephemeralOwner: owner } });
    stream.write({ command: { kind: 'sessionClose' }, tags: { session: owner } });
    expect((await stream.nextReplies(1))[0]).toMatchObject({ kind: 'sessionClosed', deleted: 1 });
    await until('the end', () => stream.closed);
    expect(stream.goodbye?.code).toBe('SESSION_EXPIRED');
  });

  it('ends watches one by one, and bounds their number', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup, { limits: { watchesPerStreamMax: 2 } });
    const stream = await streamTo(cleanup, baseUrl);
    const watch = (id: number) => ({ kind: 'watch', watch: { id, path: '/', scope: 'subtree' } }) as const;
    stream.operate(watch(1), watch(1), watch(2), watch(3), { kind: 'cancelWatch', id: 1 }, watch(3));
    stream.operate({ kind: 'cancelWatch', id: 9 }, { kind: 'progress', id: 2 });
    expect(kinds(await stream.nextReplies(8))).toEqual([
      'watching',
      'BAD_ARGUMENTS',
      'watching',
      'TOO_MANY_WATCHES',
      'done',
      'watching',
      'NO_WATCHER',
      'done',
    ]);
    stream.write({ command: create('/a') });
    await stream.nextReplies(1);
    // One event, told once to both; the mark that was asked for came before it.
    expect(stream.batches.map(({ watchIds, events }) => [watchIds, events.length])).toEqual([
      [[2], 0],
      [[2, 3], 1],
    ]);
    expect(server.status().watches).toBe(2);
    stream.kill();
    await until('the watches to go', () => server.status().watches === 0);
  });
});

function zxidOf({ zxid }: { zxid: { epoch: number; counter: number } }): bigint {
  return (BigInt(zxid.epoch) << 32n) | BigInt(zxid.counter);
}
