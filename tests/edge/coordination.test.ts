import { createClient, type Client } from '@connectrpc/connect';
import { CreateMode, Relation, SessionService, ZnodeService } from '@zkl/protocol';
import { describe, expect, it } from 'vitest';
import { connectTo, detailOf } from './clients.js';
import { openSession } from './stream-client.js';
import { Cleanup, startCluster, startServer, until } from './support.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function isThere(znodes: Client<typeof ZnodeService>, path: string): Promise<boolean> {
  return (await znodes.exists({ path })).stat !== undefined;
}

describe('nodes that go by themselves', () => {
  it('are containers once they had a child and have none, soon', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const znodes = createClient(ZnodeService, connectTo(cleanup, baseUrl));
    await znodes.create({ path: '/box', mode: CreateMode.CONTAINER });
    await znodes.create({ path: '/box/inner', mode: CreateMode.CONTAINER });
    await znodes.create({ path: '/box/inner/child' });
    await znodes.delete({ path: '/box/inner/child' });
    // The outer one becomes empty when the inner one goes.
    await until('both to go', async () => !(await isThere(znodes, '/box')), 2_000);
    await znodes.create({ path: '/never', mode: CreateMode.CONTAINER });
    await znodes.create({ path: '/used', mode: CreateMode.CONTAINER });
    await znodes.create({ path: '/used/a' });
    await znodes.create({ path: '/used/b' });
    await znodes.delete({ path: '/used/a' });
    await znodes.create({ path: '/x' });
    expect(await isThere(znodes, '/never')).toBe(true);
    expect(await isThere(znodes, '/used')).toBe(true);
  });

  it('are TTL nodes without children that were not set for their time, under every leader', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const leader = await cluster.leader();
    const leaderId = leader.status().serverId;
    const kept = [...cluster.servers.keys()].find((id) => id !== leaderId)!;
    const znodes = createClient(ZnodeService, connectTo(cleanup, cluster.url(kept)));
    await znodes.create({ path: '/short', mode: CreateMode.TTL, ttlMs: 500n });
    await znodes.create({ path: '/parent', mode: CreateMode.TTL, ttlMs: 500n });
    await znodes.create({ path: '/parent/child' });
    const numbered = await znodes.create({ path: '/n-', mode: CreateMode.TTL_SEQUENTIAL, ttlMs: 3_000n });
    expect(numbered.stat?.ephemeralOwner).toBe(0n);
    await until('the short one to go', async () => !(await isThere(znodes, '/short')));
    expect(await isThere(znodes, '/parent')).toBe(true);
    expect(await isThere(znodes, numbered.path)).toBe(true);
    cluster.servers.delete(leaderId);
    await leader.stop({ graceful: false });
    await cluster.leader();
    await until('the other to go under the next leader', async () => !(await isThere(znodes, numbered.path)));
    await znodes.delete({ path: '/parent/child' });
    await until('the parent to go', async () => !(await isThere(znodes, '/parent')));
  });
});

describe('the writes and reads of coordination, as unary calls', () => {
  it('create if absent, and say whether they did', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const znodes = createClient(ZnodeService, connectTo(cleanup, baseUrl));
    const first = await znodes.create({ path: '/a', ifAbsent: true });
    const second = await znodes.create({ path: '/a', ifAbsent: true, data: bytes('not stored') });
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.stat).toEqual(first.stat);
    const bad = [
      { path: '/s-', mode: CreateMode.PERSISTENT_SEQUENTIAL, ifAbsent: true },
      { path: '/t', mode: CreateMode.TTL },
      { path: '/t', ttlMs: 5n },
      { path: '/t', mode: CreateMode.TTL, ttlMs: 1n << 40n },
      { path: '/s-', sequential: true, mode: CreateMode.PERSISTENT },
      { path: '/m', mode: 99 as CreateMode },
    ];
    for (const request of bad) expect((await detailOf(znodes.create(request))).code).toBe('BAD_ARGUMENTS');
  });

  it('do a transaction as a whole or not at all, by comparisons, each step seeing those before it', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const znodes = createClient(ZnodeService, connectTo(cleanup, cluster.url(2)));
    await znodes.create({ path: '/a', data: bytes('1') });
    const done = await znodes.transact({
      comparisons: [
        { path: '/a', relation: Relation.EQUAL, operand: { case: 'version', value: 0 } },
        { path: '/a', operand: { case: 'value', value: { data: bytes('1') } } },
        { path: '/b', operand: { case: 'exists', value: false } },
      ],
      then: [
        { kind: { case: 'create', value: { path: '/b', data: bytes('b') } } },
        { kind: { case: 'create', value: { path: '/b/c' } } },
        { kind: { case: 'set', value: { path: '/b', data: bytes('bb') } } },
        { kind: { case: 'check', value: { path: '/b', expectedVersion: 1 } } },
        { kind: { case: 'get', value: { path: '/b' } } },
        { kind: { case: 'delete', value: { path: '/a' } } },
        { kind: { case: 'exists', value: { path: '/a' } } },
      ],
      otherwise: [{ kind: { case: 'get', value: { path: '/a' } } }],
    });
    expect(done).toMatchObject({ compared: true, committed: true });
    expect(done.results.map(({ kind }) => kind.case)).toEqual([
      'create',
      'create',
      'set',
      'done',
      'get',
      'delete',
      'exists',
    ]);
    const got = done.results[4]!.kind;
    expect(got.case === 'get' && [got.value.data, got.value.stat?.czxid]).toEqual([bytes('bb'), done.header!.zxid]);
    const other = await znodes.transact({
      comparisons: [{ path: '/a', operand: { case: 'exists', value: true } }],
      then: [{ kind: { case: 'set', value: { path: '/a' } } }],
      otherwise: [{ kind: { case: 'get', value: { path: '/b' } } }],
    });
    expect(other).toMatchObject({ compared: false, committed: true });
    const failed = await znodes.transact({
      then: [
        { kind: { case: 'set', value: { path: '/b', data: bytes('lost') } } },
        { kind: { case: 'checkAbsent', value: { path: '/b' } } },
        { kind: { case: 'create', value: { path: '/z' } } },
      ],
    });
    expect(failed.committed).toBe(false);
    expect(failed.results.map(({ kind }) => (kind.case === 'failure' ? kind.value.code : kind.case))).toEqual([
      'done',
      'NODE_EXISTS',
      'RUNTIME_INCONSISTENCY',
    ]);
    expect((await znodes.get({ path: '/b' })).data).toEqual(bytes('bb'));
    const malformed = znodes.transact({ then: [{ kind: { case: 'set', value: { path: 'no' } } }] });
    expect((await detailOf(malformed)).code).toBe('BAD_ARGUMENTS');
    expect(await znodes.transact({})).toMatchObject({ compared: true, committed: true, results: [] });
  });

  it('make ephemerals inside a transaction, in the name of its session', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const transport = connectTo(cleanup, baseUrl);
    const sessions = createClient(SessionService, transport);
    const znodes = createClient(ZnodeService, transport);
    const then = [{ kind: { case: 'create', value: { path: '/e', mode: CreateMode.EPHEMERAL } } } as const];
    expect((await detailOf(znodes.transact({ then }))).code).toBe('BAD_ARGUMENTS');
    const session = await openSession(sessions, 10_000);
    expect((await znodes.transact({ then, session: session.ref })).committed).toBe(true);
    expect((await znodes.get({ path: '/e' })).stat?.ephemeralOwner).toBe(session.id);
    await sessions.close({ session: session.ref });
    expect((await detailOf(znodes.transact({ then, session: session.ref }))).code).toBe('SESSION_EXPIRED');
  });

  it('remove a subtree, count it, bound it, and read several things of one state', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const znodes = createClient(ZnodeService, connectTo(cleanup, baseUrl));
    await znodes.create({ path: '/t' });
    await znodes.setQuota({ path: '/t', quota: { countHard: 4n, bytesSoft: 1n } });
    for (const path of ['/t/a', '/t/a/b', '/t/c']) await znodes.create({ path, data: bytes('xx') });
    expect((await detailOf(znodes.create({ path: '/t/d' }))).code).toBe('QUOTA_EXCEEDED');
    expect(await znodes.getQuota({ path: '/t' })).toMatchObject({
      count: 4n,
      bytes: 6n,
      quota: { countHard: 4n, bytesSoft: 1n },
    });
    expect((await znodes.count({ path: '/t' })).count).toBe(3n);
    const { results } = await znodes.multiRead({
      reads: [
        { kind: { case: 'get', value: { path: '/t/c' } } },
        { kind: { case: 'exists', value: { path: '/none' } } },
        { kind: { case: 'get', value: { path: '/none' } } },
        { kind: { case: 'listChildren', value: { path: '/t' } } },
      ],
    });
    expect(results.map(({ kind }) => (kind.case === 'failure' ? kind.value.code : kind.case))).toEqual([
      'get',
      'exists',
      'NO_NODE',
      'listChildren',
    ]);
    expect((await detailOf(znodes.deleteRecursive({ path: '/t', expectedVersion: 7 }))).code).toBe('BAD_VERSION');
    expect((await znodes.deleteRecursive({ path: '/t' })).deleted).toBe(4);
    expect((await detailOf(znodes.count({ path: '/t' }))).code).toBe('NO_NODE');
    await znodes.setQuota({ path: '/', quota: {} });
    await znodes.setQuota({ path: '/' });
    expect((await znodes.getQuota({ path: '/' })).quota).toBeUndefined();
  });
});
