import { createClient, type Client } from '@zkl/client-sdk';
import { ERROR_CODE_NAMES } from '@zkl/state-machine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER_ERROR_CODES } from '../../packages/client-sdk/src/errors/error-code.js';
import { EmbeddedCluster, failure, until } from './support.js';

let cluster: EmbeddedCluster;
let client: Client;

beforeAll(async () => {
  cluster = await EmbeddedCluster.start(3);
  client = createClient({ endpoints: cluster.endpoints });
});

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

describe('against three real servers', () => {
  it('keeps a tree', async () => {
    const created = await client.create('/tree', 'root');
    expect(created.stat).toMatchObject({ version: 0, cversion: 0, dataLength: 4, ephemeralOwner: 0n });
    expect(created.stat.czxid).toBe(created.zxid);
    expect(Math.abs(created.stat.ctime - Date.now())).toBeLessThan(60_000);
    await client.create('/tree/null');
    await client.create('/tree/empty', '');
    expect((await client.get('/tree/null')).data).toBeNull();
    expect((await client.get('/tree/empty')).data).toEqual(new Uint8Array(0));
    const { stat } = await client.set('/tree', 'new', { version: 0 });
    expect(stat.version).toBe(1);
    expect(await failure(client.set('/tree', 'x', { version: 0 }))).toMatchObject({
      code: 'BAD_VERSION',
      outcome: 'rejected',
      path: '/tree',
    });
    expect(await failure(client.create('/tree'))).toMatchObject({ code: 'NODE_EXISTS', outcome: 'rejected' });
    expect(await failure(client.delete('/tree'))).toMatchObject({ code: 'NOT_EMPTY', outcome: 'rejected' });
    expect(await failure(client.get('/none'))).toMatchObject({ code: 'NO_NODE', path: '/none' });
    expect(await client.exists('/none')).toBeUndefined();
    await client.delete('/tree/null', { version: 0 });
    expect((await client.exists('/tree'))?.numChildren).toBe(1);
  });

  it('keeps a register', async () => {
    expect((await client.register.read()).version).toBe(0);
    const { version, leaderId } = await client.register.write('hello');
    expect([version, leaderId]).toEqual([1, cluster.leaderId]);
    expect(await client.register.guess('hallo')).toMatchObject({ matched: false, version: 1, leaderId });
    expect(await client.register.guess('hello')).toMatchObject({ matched: true, version: 1, leaderId });
    const read = await client.register.read();
    expect([read.text(), read.guesses, read.hits]).toEqual(['hello', 2n, 1n]);
  });

  it('reads its own writes on every server, and those of others by their zxid', async () => {
    await client.create('/seen', '0');
    for (const serverId of [1, 2, 3]) {
      await using pinned = createClient({ endpoints: cluster.endpoints, server: serverId });
      for (let i = 0; i < 10; i += 1) {
        const { zxid } = await client.set('/seen', `${serverId}.${i}`);
        const read = await pinned.get('/seen', { consistency: 'local', atLeast: zxid });
        expect([read.text(), read.serverId]).toEqual([`${serverId}.${i}`, serverId]);
        expect((await pinned.get('/seen')).text()).toBe(`${serverId}.${i}`);
      }
    }
  });

  it('never goes back in time with local reads, whichever server it moves to', async () => {
    await using moving = createClient({ endpoints: cluster.endpoints });
    await moving.create('/moving', '0');
    for (let i = 1; i <= 30; i += 1) {
      await moving.set('/moving', String(i));
      await moving.connect({ serverId: (i % 3) + 1 });
      const read = await moving.get('/moving', { consistency: 'local' });
      expect([read.text(), read.serverId]).toEqual([String(i), (i % 3) + 1]);
    }
  });

  it('lists 5,000 children in pages, in order, each once', { timeout: 240_000 }, async () => {
    await client.create('/many');
    const names = Array.from({ length: 5_000 }, (_, i) => `child-${String(i).padStart(5, '0')}`);
    // As long as a slow machine needs.
    await Promise.all(names.map((name) => client.create(`/many/${name}`, name, { timeoutMs: 200_000 })));
    const met: string[] = [];
    for await (const child of client.children('/many', { withData: true, withStat: true })) {
      expect(new TextDecoder().decode(child.data ?? undefined)).toBe(child.name);
      expect(child.stat?.version).toBe(0);
      met.push(child.name);
    }
    expect(met).toEqual(names);
    const page = await client.listChildren('/many', { pageSize: 10, startAfter: 'child-00004' });
    expect([page.children[0]?.name, page.children.length, page.more]).toEqual(['child-00005', 10, true]);
  });

  it('tells a value that is too large from everything else', async () => {
    const error = await failure(client.create('/large', new Uint8Array(1_048_577)));
    expect(error).toMatchObject({ code: 'VALUE_TOO_LARGE', outcome: 'rejected', retryable: false });
    expect((await client.create('/largest', new Uint8Array(1_048_576))).stat.dataLength).toBe(1_048_576);
    expect((await client.get('/largest')).data?.byteLength).toBe(1_048_576);
  });

  it('aborts and times out', async () => {
    await client.create('/abort', '0');
    const controller = new AbortController();
    const setting = failure(client.set('/abort', '1', { signal: controller.signal }));
    controller.abort();
    expect(await setting).toMatchObject({ code: 'ABORTED', path: '/abort' });
    // A zxid that no server has applied: the read waits for it until the deadline.
    const { zxid } = await client.set('/abort', '2');
    const startedAt = performance.now();
    const late = await failure(
      client.get('/abort', { consistency: 'local', atLeast: zxid + (1n << 32n), timeoutMs: 300 }),
    );
    expect(late.outcome).toBe('rejected');
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  it('tells of the cluster', async () => {
    const { members, leaderId } = await client.cluster.members();
    expect(members.map(({ serverId }) => serverId)).toEqual([1, 2, 3]);
    expect(members.map(({ address }) => address)).toEqual(cluster.endpoints);
    expect(leaderId).toBe(cluster.leaderId);
    const reports = await client.cluster.statusAll();
    expect(reports.map(({ serverId, kind }) => [serverId, kind])).toEqual([
      [1, 'ok'],
      [2, 'ok'],
      [3, 'ok'],
    ]);
    expect(await client.cluster.status({ serverId: leaderId })).toMatchObject({ role: 'leading', serving: true });
    expect(await client.connect()).toMatchObject({ leaderId });
  });
});

it('writes go on after the death of the leader; after that of a majority an error says so', async () => {
  await using own = await EmbeddedCluster.start(3);
  await using writer = createClient({ endpoints: own.endpoints });
  await writer.create('/a');
  const leaderId = await own.untilLeader();
  await own.kill(leaderId);
  const startedAt = performance.now();
  await writer.set('/a', 'after');
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await own.kill(await own.untilLeader());
  const error = await failure(writer.set('/a', 'alone', { timeoutMs: 3_000 }));
  expect(['NO_QUORUM', 'NO_LEADER', 'OUTCOME_UNKNOWN', 'REQUEST_TIMEOUT']).toContain(error.code);
  expect(
    (await writer.get('/a', { consistency: 'local', timeoutMs: 3_000 }).catch(() => undefined))?.text() ?? 'after',
  ).toBe('after');
  const reports = await writer.cluster.statusAll();
  expect(reports.filter(({ kind }) => kind === 'ok')).toHaveLength(1);
  await own.startServer(leaderId);
  await until(
    () =>
      writer.set('/a', 'together', { timeoutMs: 1_000 }).then(
        () => true,
        () => false,
      ),
    20_000,
  );
  expect((await writer.get('/a')).text()).toBe('together');
});

it('a client that stays on one server is told of every leader that follows', async () => {
  await using own = await EmbeddedCluster.start(3);
  const first = await own.untilLeader();
  const [here, there] = [1, 2, 3].filter((id) => id !== first);
  await using client = createClient({ endpoints: own.endpoints, server: here! });
  const where = async (): Promise<object> => {
    const { serverId, leaderId } = await client.register.read();
    return { serverId, leaderId };
  };
  expect(await where()).toEqual({ serverId: here, leaderId: first });
  await own.kill(first);
  const second = await own.untilLeader();
  expect(await where()).toEqual({ serverId: here, leaderId: second });
  await own.startServer(first);
  await until(() => own.server(first).status().serving, 15_000);
  if (second === here) expect(await where()).toEqual({ serverId: here, leaderId: here });
  else {
    await own.kill(there!);
    const third = await own.untilLeader();
    expect(await where()).toEqual({ serverId: here, leaderId: third });
  }
});

it('the client knows every code that the cluster has', () => {
  expect([...SERVER_ERROR_CODES].sort()).toEqual([...ERROR_CODE_NAMES].sort());
});
