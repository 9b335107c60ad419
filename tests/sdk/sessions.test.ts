import { createClient, type Client, type SessionState } from '@zkl/client-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CutProxy } from './cut-proxy.js';
import { EmbeddedCluster, failure, until } from './support.js';

let cluster: EmbeddedCluster;
let client: Client;

beforeAll(async () => {
  cluster = await EmbeddedCluster.start(3);
  client = createClient({ endpoints: cluster.endpoints });
  await client.create('/s');
});

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

describe('a session', () => {
  it('owns ephemerals, and takes them with it when it is closed, at once and in one zxid', async () => {
    const session = await client.session({ timeoutMs: 5_000 });
    await until(() => session.state === 'connected');
    expect(session.timeoutMs).toBe(5_000);
    const { stat } = await session.create('/s/e', 'x', { mode: 'ephemeral' });
    expect(stat.ephemeralOwner).toBe(session.id);
    const { path } = await session.create('/s/q-', null, { mode: 'ephemeral', sequential: true });
    expect(path).toMatch(/^\/s\/q-\d{10}$/);
    const watch = client.watch('/s', { scope: 'subtree' });
    await watch.ready();
    const { signal } = session;
    await session.close();
    expect(session.state).toBe('closed');
    expect(signal.aborted).toBe(true);
    expect(await client.exists('/s/e')).toBeUndefined();
    for await (const step of watch.steps()) {
      if (step.kind !== 'events') continue;
      expect(step.events.map((event) => [event.type, event.path])).toEqual([
        ['deleted', '/s/e'],
        ['deleted', path],
      ]);
      break;
    }
    expect(await failure(session.create('/s/late'))).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'rejected' });
  });

  it('tells its states in order', async () => {
    const states: SessionState[] = [];
    const session = await client.session({ timeoutMs: 2_000 });
    const reading = (async () => {
      for await (const state of session.states()) states.push(state);
    })();
    await until(() => states.includes('connected'));
    await session.close();
    await reading;
    expect(states.at(-1)).toBe('closed');
    expect(states.filter((state) => state === 'closed')).toHaveLength(1);
  });

  it('lives as long as its client, silent as it may be', async () => {
    await using session = await client.session({ timeoutMs: 600 });
    await session.create('/s/long', null, { mode: 'ephemeral' });
    const endsAt = performance.now() + 2_000;
    await until(() => performance.now() > endsAt);
    expect(session.state).toBe('connected');
    expect(await client.exists('/s/long')).toBeDefined();
  });

  it('expires here before it does there', async () => {
    const leader = cluster.endpoints[(await cluster.untilLeader()) - 1]!;
    const proxy = await CutProxy.start(leader);
    await using cutOff = createClient({ endpoints: [proxy.address], discover: false });
    const session = await cutOff.session({ timeoutMs: 1_000 });
    await session.create('/s/cut', null, { mode: 'ephemeral' });
    const seen: SessionState[] = [];
    session.onState((state) => seen.push(state));
    let goneAt = 0;
    let abortedAt = 0;
    session.signal.addEventListener('abort', () => (abortedAt = performance.now()));
    await proxy[Symbol.asyncDispose]();
    const watch = client.watch('/s/cut', { scope: 'node' });
    await watch.ready();
    for await (const event of watch) {
      if (event.type !== 'deleted') continue;
      goneAt = performance.now();
      break;
    }
    expect(abortedAt).toBeGreaterThan(0);
    expect(abortedAt).toBeLessThanOrEqual(goneAt);
    expect(seen).toEqual(['suspended', 'expired']);
    expect(session.signal.reason).toMatchObject({ code: 'SESSION_EXPIRED' });
  });

  it('needs none: a client without one has no ephemerals, and all else', async () => {
    expect(await failure(client.create('/s/x', null, { mode: 'ephemeral' }))).toMatchObject({ code: 'BAD_ARGUMENTS' });
  });
});

it('survives the death of its server and of the leader, with its ephemerals', async () => {
  await using own = await EmbeddedCluster.start(3);
  await using holder = createClient({ endpoints: own.endpoints });
  await using session = await holder.session({ timeoutMs: 8_000 });
  await session.create('/kept', 'x', { mode: 'ephemeral' });
  for (let i = 0; i < 1; i += 1) await own.kill(await own.untilLeader());
  await session.set('/kept', 'y', { timeoutMs: 15_000 });
  expect((await session.get('/kept')).stat.ephemeralOwner).toBe(session.id);
  await until(() => session.state === 'connected');
  expect(session.signal.aborted).toBe(false);
});

describe('the calls of a client', () => {
  it('make, count and remove subtrees', async () => {
    await client.create('/tree', null, { mode: 'container' });
    expect((await client.create('/tree/a', 'x', { ifAbsent: true })).created).toBe(true);
    expect(await client.create('/tree/a', 'y', { ifAbsent: true })).toMatchObject({ created: false, path: '/tree/a' });
    await client.create('/tree/a/b', null, { ttlMs: 1_000_000 });
    expect((await client.count('/tree')).count).toBe(2);
    await client.setQuota('/tree', { countHard: 4 });
    expect(await client.quota('/tree')).toMatchObject({ quota: { countHard: 4 }, count: 3 });
    await client.create('/tree/c');
    expect(await failure(client.create('/tree/d'))).toMatchObject({ code: 'QUOTA_EXCEEDED' });
    await client.setQuota('/tree', null);
    expect(await client.deleteRecursive('/tree')).toMatchObject({ deleted: 4 });
    expect(await client.exists('/tree')).toBeUndefined();
  });

  it('do all of a transaction or nothing', async () => {
    await client.create('/txn', '1');
    const done = await client
      .transaction()
      .check('/txn', 0)
      .create('/txn/a', 'x')
      .create('/txn/a/b')
      .set('/txn', '2')
      .get('/txn')
      .commit();
    expect(done).toMatchObject({ committed: true, branch: 'then' });
    expect(done.results.map(({ kind }) => kind)).toEqual(['ok', 'created', 'created', 'set', 'got']);
    expect((await client.get('/txn/a/b')).stat.czxid).toBe(done.zxid);
    const failed = client.transaction().set('/txn', '3').create('/txn/a').delete('/txn/none');
    expect(await failure(failed.commit())).toMatchObject({ code: 'NODE_EXISTS', path: '/txn/a', outcome: 'rejected' });
    expect((await client.get('/txn')).text()).toBe('2');
    const branch = await client
      .transaction()
      .when('/txn', { version: ['<', 1] })
      .delete('/txn')
      .otherwise()
      .exists('/txn/none')
      .deleteRecursive('/txn')
      .run();
    expect(branch).toMatchObject({ branch: 'else', committed: true, results: [{ kind: 'existed' }, { deleted: 3 }] });
  });

  it('read several things in one state', async () => {
    await client.create('/multi', 'x');
    await client.create('/multi/a');
    const { answers } = await client.multiRead([
      { get: '/multi' },
      { exists: '/none' },
      { children: '/multi' },
      { get: '/none' },
    ]);
    const [node, none, page, failed] = answers;
    expect(node.kind === 'node' && node.node.text()).toBe('x');
    expect(none).toEqual({ kind: 'exists', stat: undefined });
    expect(page.kind === 'children' && page.page.children.map(({ name }) => name)).toEqual(['a']);
    expect(failed).toMatchObject({ kind: 'failed', error: { code: 'NO_NODE', path: '/none' } });
  });

  it('see nothing above their root', async () => {
    await client.create('/tenant');
    await using inner = createClient(`zkl://${cluster.endpoints.join(',')}/tenant`);
    expect(await inner.create('/a', 'x')).toMatchObject({ path: '/a' });
    expect((await client.get('/tenant/a')).text()).toBe('x');
    expect(await failure(inner.get('/tenant'))).toMatchObject({ code: 'NO_NODE', path: '/tenant' });
    expect(await failure(inner.create('/a'))).toMatchObject({ code: 'NODE_EXISTS', path: '/a' });
    expect((await inner.listChildren('/')).children).toMatchObject([{ name: 'a', path: '/a' }]);
    const { results } = await inner.transaction().create('/b').commit();
    expect(results).toMatchObject([{ path: '/b' }]);
    const mirror = await inner.mirror('/');
    expect([...mirror.nodes()].map(({ path }) => path).sort()).toEqual(['/', '/a', '/b']);
    expect(mirror.children('/')).toEqual(['a', 'b']);
    await mirror.close();
  });
});
