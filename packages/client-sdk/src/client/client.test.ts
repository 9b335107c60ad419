// Over 400 lines: every rule of the client against servers with faults, which share one set-up.
import { connect as connectTcp } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, isZklError, type Client, type ClientOptions, type ZklError } from '../index.js';
import { FrozenProxy } from '../testing/frozen-proxy.js';
import { refusal, TestCluster } from '../testing/test-cluster.js';
import { Code } from '@connectrpc/connect';

let cluster: TestCluster;
const clients: Client[] = [];

beforeEach(async () => {
  cluster = await TestCluster.start(3);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await cluster[Symbol.asyncDispose]();
});

function open(options: Partial<ClientOptions> = {}): Client {
  const client = createClient({ endpoints: cluster.endpoints, stream: false, ...options });
  clients.push(client);
  return client;
}

async function failure(promise: Promise<unknown>): Promise<ZklError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isZklError(error)) throw new Error('Expected a ZklError', { cause: error });
  return error;
}

async function until(condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > endsAt) throw new Error('The condition did not come true');
    await delay(2);
  }
}

/** A gate that requests wait at. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('the tree', () => {
  it('creates, reads, replaces, lists and deletes', async () => {
    const client = open();
    const created = await client.create('/a', 'one');
    expect(created.path).toBe('/a');
    expect(created.zxid).toBe(created.stat.czxid);
    const read = await client.get('/a');
    expect(read.text()).toBe('one');
    expect(read.serverId).toBeGreaterThan(0);
    const { stat } = await client.set('/a', new Uint8Array([0, 255]), { version: 0 });
    expect(stat.version).toBe(1);
    expect((await client.get('/a')).data).toEqual(new Uint8Array([0, 255]));
    expect(await client.exists('/b')).toBeUndefined();
    expect((await client.exists('/a'))?.version).toBe(1);
    expect((await client.create('/a/s-', null, { sequential: true })).path).toBe('/a/s-0000000000');
    expect((await client.get('/a/s-0000000000')).data).toBeNull();
    await client.delete('/a/s-0000000000');
    expect((await client.listChildren('/a')).children).toEqual([]);
  });

  it('tells null data from empty data', async () => {
    const client = open();
    await client.create('/null');
    await client.create('/empty', '');
    expect((await client.get('/null')).data).toBeNull();
    expect((await client.get('/empty')).data).toEqual(new Uint8Array(0));
  });

  it('takes a copy of the data, so that a retry sends the same', async () => {
    const client = open();
    await client.connect();
    const data = new Uint8Array([1, 2, 3]);
    const hold = gate();
    cluster.servers.forEach((server) => (server.faults.before = () => hold.opened));
    const creating = client.create('/copy', data);
    data.fill(9);
    hold.open();
    await creating;
    expect((await client.get('/copy')).data).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('carries refusals as typed errors', async () => {
    const client = open();
    const missing = await failure(client.get('/nope'));
    expect(missing).toMatchObject({
      code: 'NO_NODE',
      outcome: 'rejected',
      path: '/nope',
      retryable: false,
      attempts: 1,
    });
    expect(missing.name).toBe('NoNodeError');
    await client.create('/a');
    expect(await failure(client.create('/a'))).toMatchObject({ code: 'NODE_EXISTS', outcome: 'rejected' });
    expect(await failure(client.set('/a', null, { version: 7 }))).toMatchObject({ code: 'BAD_VERSION', path: '/a' });
  });

  it('reads all pages of children, each at least as new as the one before', async () => {
    const client = open();
    await client.create('/p');
    await Promise.all(Array.from({ length: 25 }, (_, i) => client.create(`/p/${String(i).padStart(2, '0')}`)));
    const names: string[] = [];
    for await (const child of client.children('/p', { pageSize: 10, withStat: true, consistency: 'local' })) {
      expect(child.stat?.version).toBe(0);
      expect(child.path).toBe(`/p/${child.name}`);
      names.push(child.name);
    }
    expect(names).toEqual(Array.from({ length: 25 }, (_, i) => String(i).padStart(2, '0')));
    const asked = cluster.reads.map((read) => read?.atLeastZxid);
    expect(asked).toEqual([cluster.zxid, cluster.zxid, cluster.zxid]);
  });

  it('refuses bad arguments without sending anything', async () => {
    const client = open();
    const calls: Promise<unknown>[] = [
      client.get(''),
      client.get('a'),
      client.get('/a/'),
      client.get('/a//b'),
      client.get('/a/../b'),
      client.get('/\u0000'),
      client.get('/\ud800'),
      client.get(`/${'x'.repeat(4_096)}`),
      client.get('/a', { timeoutMs: 0 }),
      client.get('/a', { consistency: 'strong' as never }),
      client.get('/a', { atLeast: 5 as never }),
      client.get('/a', { typo: 1 } as never),
      client.get('/a', { signal: {} as never }),
      client.set('/a', 5 as never),
      client.set('/a', null, { version: 1.5 }),
      client.listChildren('/a', { pageSize: 10_001 }),
      client.cluster.status({ endpoint: 'x' }),
      client.cluster.status({ endpoint: '127.0.0.1:1', serverId: 1 }),
      client.register.write(null as never),
    ];
    for (const call of calls)
      expect(await failure(call)).toMatchObject({ code: 'BAD_ARGUMENTS', outcome: 'rejected', attempts: 0 });
    expect(cluster.servers.map((server) => server.requests)).toEqual([0, 0, 0]);
  });
});

describe('routing', () => {
  it('goes to the leader once a reply has named it', async () => {
    cluster.leaderId = 2;
    const client = open({ endpoints: [cluster.server(1).address] });
    await client.create('/a');
    // Members are learned in the background.
    const endsAt = performance.now() + 5_000;
    while (cluster.server(2).requests === 0 && performance.now() < endsAt) await client.set('/a', null);
    const before = cluster.server(2).requests;
    for (let i = 0; i < 10; i += 1) await client.set('/a', null);
    expect(cluster.server(2).requests).toBe(before + 10);
  });

  it('keeps one connection to a server, for hundreds of calls at once', async () => {
    const client = open({ discover: false, endpoints: [cluster.server(1).address] });
    await Promise.all(Array.from({ length: 300 }, () => client.register.write('x')));
    expect(cluster.server(1).connections).toBe(1);
    expect(cluster.counter).toBe(300);
  });

  it('leaves a killed leader within milliseconds', async () => {
    const client = open();
    cluster.leaderId = 1;
    await client.create('/a');
    await client.connect({ serverId: 1 });
    await client.connect({ serverId: null });
    await client.set('/a', null);
    await cluster.server(1).stop();
    cluster.leaderId = 2;
    cluster.epoch = 2;
    const startedAt = performance.now();
    await client.set('/a', null);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it('follows the hint of a server that does not lead', async () => {
    cluster.leaderId = 3;
    for (const id of [1, 2]) {
      cluster.server(id).faults.before = (method) => {
        if (method === 'set') throw refusal('NOT_LEADER', { retryable: true, leaderId: 3 });
      };
    }
    const client = open();
    await client.create('/a');
    await client.set('/a', null);
    expect((await client.get('/a')).stat.version).toBe(1);
  });

  it('does not ping-pong between two servers that each call the other the leader', async () => {
    for (const id of [1, 2, 3]) {
      cluster.server(id).faults.before = (method) => {
        if (method === 'set') throw refusal('NOT_LEADER', { retryable: true, leaderId: (id % 3) + 1 });
      };
    }
    const client = open();
    await client.create('/a');
    const error = await failure(client.set('/a', null, { timeoutMs: 400 }));
    expect(error).toMatchObject({ code: 'NOT_LEADER', retryable: true });
    expect(error.attempts).toBeLessThan(60);
  });

  it('sends everything to the server it is pinned to', async () => {
    cluster.leaderId = 1;
    const client = open({ endpoints: [cluster.server(1).address], server: 3 });
    await client.create('/a');
    expect((await client.get('/a')).serverId).toBe(3);
    expect(await client.connect({ serverId: 2 })).toMatchObject({ serverId: 2, leaderId: 1 });
    const before = cluster.server(2).requests;
    await client.set('/a', null);
    await client.get('/a', { consistency: 'local' });
    expect(cluster.server(2).requests).toBe(before + 2);
    expect(await failure(client.connect({ serverId: 9 }))).toMatchObject({ code: 'BAD_ARGUMENTS' });
    await client.connect({ serverId: null });
    await client.set('/a', null);
    expect(cluster.server(2).requests).toBe(before + 2);
  });

  it('stays as it was when the server to be pinned to does not answer', async () => {
    const client = open();
    await client.create('/a');
    await cluster.server(3).stop();
    const error = await failure(client.connect({ serverId: 3, timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'rejected' });
    await client.set('/a', null, { timeoutMs: 1_000 });
  });

  it('does not let a server that is asked for its status change where requests go', async () => {
    const client = open({ endpoints: [cluster.server(1).address], discover: false });
    await client.create('/a');
    await using other = await TestCluster.start(1);
    other.epoch = 9;
    expect(await client.cluster.status({ endpoint: other.endpoints[0]! })).toMatchObject({ epoch: 9 });
    await client.set('/a', null);
    expect(other.server(1).requests).toBe(1);
  });

  it('reports the status of every member, those that are down too', async () => {
    const client = open({ endpoints: [cluster.server(1).address] });
    await cluster.server(3).stop();
    const reports = await client.cluster.statusAll();
    expect(reports.map(({ kind, serverId }) => [kind, serverId])).toEqual([
      ['ok', 1],
      ['ok', 2],
      ['failed', 3],
    ]);
    expect(reports[2]).toMatchObject({ error: { code: 'CONNECTION_LOSS' } });
    expect(await client.cluster.status({ serverId: 2 })).toMatchObject({ serverId: 2, role: 'following' });
    expect(await client.cluster.status({ endpoint: cluster.server(1).address })).toMatchObject({ role: 'leading' });
    expect((await client.cluster.members()).members).toHaveLength(3);
  });
});

describe('writes exactly once', () => {
  it('is applied once though every first reply is lost', async () => {
    const client = open();
    await client.create('/n');
    const lost = new Set<string>();
    let requests = 0;
    for (const server of cluster.servers) {
      server.faults.after = (method) => {
        if (method !== 'create') return;
        requests += 1;
        if (lost.size >= 5 || requests % 3 !== 0) return;
        lost.add(String(requests));
        server.cutConnections();
      };
    }
    const created = await Promise.all(
      Array.from({ length: 30 }, () => client.create('/n/c-', null, { sequential: true })),
    );
    expect(lost.size).toBeGreaterThan(0);
    expect(new Set(created.map(({ path }) => path)).size).toBe(30);
    expect((await client.listChildren('/n')).children).toHaveLength(30);
    expect(requests).toBeGreaterThan(30);
  });

  it('says what was answered: the lowest open write less one, and the given-up ones', async () => {
    const client = open({ discover: false, endpoints: [cluster.server(1).address] });
    await client.register.write('1');
    const hold = gate();
    let held = 0;
    cluster.server(1).faults.after = () => {
      held += 1;
      return held === 1 ? hold.opened : undefined;
    };
    const slow = client.register.write('2', { timeoutMs: 300 });
    await until(() => held === 1);
    await client.register.write('3');
    await client.register.write('4');
    const through = () => cluster.writeIds.map(({ requestId, answeredThrough }) => [requestId, answeredThrough]);
    expect(through()).toEqual([
      [1n, 0n],
      [2n, 1n],
      [3n, 1n],
      [4n, 1n],
    ]);
    expect(await failure(slow)).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    await client.register.write('5');
    expect(through().at(-1)).toEqual([5n, 4n]);
    hold.open();
    expect(cluster.writeIds[0]?.clientId).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });

  it('begins anew with another id when the cluster has forgotten the client', async () => {
    const client = open();
    await client.register.write('1');
    let forgot = false;
    for (const server of cluster.servers) {
      server.faults.before = (method) => {
        if (method !== 'write' || forgot) return;
        forgot = true;
        throw refusal('CLIENT_FORGOTTEN', { outcome: 2 }, Code.FailedPrecondition);
      };
    }
    await client.register.write('2');
    expect((await client.register.read()).text()).toBe('2');
    const [first, last] = [cluster.writeIds.at(0)!, cluster.writeIds.at(-1)!];
    expect(last.clientId).not.toBe(first.clientId);
    expect(last.requestId).toBe(1n);
  });

  it('tells an answer that was ordered from one that says nothing about a lost attempt', async () => {
    const client = open({ discover: false, endpoints: [cluster.server(1).address] });
    await client.create('/a');
    const server = cluster.server(1);
    // The first attempt creates the node and loses the reply; the second is refused at the door.
    let attempt = 0;
    server.faults.before = () => {
      attempt += 1;
      if (attempt > 1) throw refusal('NO_AUTH', {}, Code.PermissionDenied);
    };
    server.faults.after = () => {
      if (attempt === 1) server.cutConnections();
    };
    expect(await failure(client.create('/b'))).toMatchObject({ code: 'NO_AUTH', outcome: 'unknown', attempts: 2 });
    // The first attempt is refused in the log, and the same refusal comes again.
    attempt = 0;
    server.faults.before = () => void (attempt += 1);
    expect(await failure(client.create('/a'))).toMatchObject({ code: 'NODE_EXISTS', outcome: 'rejected', attempts: 2 });
  });

  it('bounds what is in flight and what waits', async () => {
    const client = open({
      discover: false,
      endpoints: [cluster.server(1).address],
      writesInFlightMax: 4,
      writesQueuedMax: 2,
    });
    const hold = gate();
    cluster.server(1).faults.before = () => hold.opened;
    const writes = Array.from({ length: 6 }, (_, i) => client.register.write(String(i)));
    const waitingAborted = new AbortController();
    expect(await failure(client.register.write('7'))).toMatchObject({
      code: 'CLIENT_OVERLOADED',
      outcome: 'rejected',
      retryable: true,
    });
    await until(() => cluster.server(1).requests === 4);
    hold.open();
    await Promise.all(writes);
    waitingAborted.abort();
    expect(cluster.counter).toBe(6);
  });
});

describe('deadlines and interruptions', () => {
  it('rejects with the refusal that stood in the way until the deadline', async () => {
    for (const server of cluster.servers) {
      server.faults.before = () => {
        throw refusal('NO_QUORUM', { retryable: true });
      };
    }
    const client = open();
    const startedAt = performance.now();
    const errors = await Promise.all([
      failure(client.register.write('x', { timeoutMs: 300 })),
      failure(client.register.write('y', { timeoutMs: 300 })),
      failure(client.register.read({ timeoutMs: 300 })),
    ]);
    const tookMs = performance.now() - startedAt;
    // No attempt is begun in the last tenth.
    expect(tookMs).toBeGreaterThan(265);
    expect(tookMs).toBeLessThan(2_000);
    for (const error of errors) expect(error).toMatchObject({ code: 'NO_QUORUM', retryable: true });
    // A write whose last attempt was under way at the deadline may be unknown.
    expect(errors[2]?.outcome).toBe('rejected');
  });

  it('sends few requests to a cluster that serves nobody, however many calls wait', async () => {
    for (const server of cluster.servers) {
      server.faults.before = () => {
        throw refusal('NO_LEADER', { retryable: true });
      };
    }
    const client = open();
    const calls = Array.from({ length: 30 }, () => failure(client.register.write('x', { timeoutMs: 4_000 })));
    await until(() => cluster.servers.every((server) => server.requests > 0));
    const before = cluster.servers.reduce((sum, server) => sum + server.requests, 0);
    await delay(500);
    const during = cluster.servers.reduce((sum, server) => sum + server.requests, 0) - before;
    expect(during).toBeLessThan(100);
    const codes = new Set((await Promise.all(calls)).map(({ code }) => code));
    expect([...codes]).toEqual(['NO_LEADER']);
  });

  it('goes on as soon as the cluster serves again', async () => {
    const client = open();
    await client.register.write('0');
    for (const server of cluster.servers) await server.stop();
    const writes = Array.from({ length: 200 }, (_, i) => client.register.write(String(i)));
    await delay(300);
    for (const server of cluster.servers) await server.start();
    await Promise.all(writes);
    expect(cluster.counter).toBe(201);
  });

  it('comes back at once from a cut connection, however many calls it carried', async () => {
    const client = open({ discover: false, endpoints: [cluster.server(1).address] });
    await client.register.write('0');
    const server = cluster.server(1);
    const hold = gate();
    let held = 0;
    server.faults.after = () => {
      held += 1;
      return held <= 50 ? hold.opened : undefined;
    };
    const writes = Array.from({ length: 50 }, () => client.register.write('x'));
    await until(() => held === 50);
    const startedAt = performance.now();
    server.cutConnections();
    await Promise.all(writes);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(cluster.counter).toBe(51);
    hold.open();
  });

  it('rejects with CONNECTION_LOSS, and outcome rejected, when nobody listens', async () => {
    for (const server of cluster.servers) await server.stop();
    const error = await failure(open().register.write('x', { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'rejected' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.attempts).toBeLessThan(40);
  });

  it('tries elsewhere when a server hangs', async () => {
    const hold = gate();
    cluster.leaderId = 1;
    const client = open({ attemptTimeoutMs: 100 });
    await client.register.write('1');
    await client.connect();
    cluster.server(1).faults.before = () => hold.opened;
    const startedAt = performance.now();
    await client.register.write('2');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    hold.open();
    await until(() => cluster.writeIds.filter(({ requestId }) => requestId === 2n).length === 2);
    expect(cluster.counter).toBe(2);
  });

  it('leaves a server that is frozen, and one whose network swallows everything', async () => {
    const proxy = await FrozenProxy.start(cluster.server(1).address);
    const client = open({
      attemptTimeoutMs: 200,
      discover: false,
      endpoints: [proxy.address, cluster.server(2).address],
    });
    // So that both connections stand, and whichever is asked first is the one that freezes.
    for (const endpoint of [proxy.address, cluster.server(2).address]) await client.cluster.status({ endpoint });
    cluster.leaderId = 1;
    await client.register.write('1');
    await client.connect();
    proxy.freeze();
    const startedAt = performance.now();
    for (let i = 0; i < 5; i += 1) await client.register.write('2');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect((await client.register.read()).serverId).toBe(2);
    proxy.close();
  });

  it('leaves a silent leader as soon as another server says who leads now, and not before', async () => {
    const proxy = await FrozenProxy.start(cluster.server(1).address);
    const others = [cluster.server(2).address, cluster.server(3).address];
    const client = open({ attemptTimeoutMs: 60_000, discover: false, endpoints: [proxy.address, ...others] });
    for (const endpoint of [proxy.address, ...others]) await client.cluster.status({ endpoint });
    cluster.leaderId = 1;
    await client.register.write('1');
    expect((await client.register.read()).serverId).toBe(1);
    proxy.freeze();
    const asked = new Set<number>();
    for (const id of [2, 3])
      cluster.server(id).faults.before = (method) => void (method === 'listMembers' && asked.add(id));
    const written = client.register.write('2');
    // It leads still, for all that they know: then it is waited for.
    await until(() => asked.size === 2);
    expect(cluster.writeIds.length).toBe(1);
    cluster.leaderId = 2;
    cluster.epoch = 2;
    const startedAt = performance.now();
    await written;
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect((await client.register.read()).serverId).toBe(2);
    proxy.close();
  });

  it('waits for a server that is busy, and does not make it busier', async () => {
    const client = open({ attemptTimeoutMs: 500, discover: false, endpoints: [cluster.server(1).address] });
    await client.register.write('0');
    const server = cluster.server(1);
    const before = server.requests;
    server.faults.before = () => delay(5);
    const slow = new Set([before + 1, before + 2]);
    server.faults.after = () => (slow.delete(server.requests) ? delay(1_500) : undefined);
    const writes = [client.register.write('1'), client.register.write('2')];
    let reads = 0;
    const reading = (async () => {
      for (const endsAt = performance.now() + 1_500; performance.now() < endsAt; reads += 1)
        await client.register.read();
    })();
    await Promise.all([...writes, reading]);
    expect(server.requests).toBe(before + 2 + reads);
  });

  it('aborts a read, a write that was sent, and one that was not', async () => {
    const client = open({ discover: false, endpoints: [cluster.server(1).address], writesInFlightMax: 1 });
    await client.register.write('0');
    const hold = gate();
    const server = cluster.server(1);
    const before = server.requests;
    server.faults.before = () => hold.opened;
    const controller = new AbortController();
    const { signal } = controller;
    const sent = failure(client.register.write('1', { signal }));
    const queued = failure(client.register.write('2', { signal }));
    const read = failure(client.register.read({ signal }));
    await until(() => server.requests === before + 2);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await sent).toMatchObject({ code: 'ABORTED', outcome: 'unknown', cause: reason });
    expect(await queued).toMatchObject({ code: 'ABORTED', outcome: 'rejected' });
    expect(await read).toMatchObject({ code: 'ABORTED', outcome: 'rejected' });
    expect(await failure(client.register.read({ signal }))).toMatchObject({ code: 'ABORTED', attempts: 0 });
    hold.open();
    await client.register.write('3');
    expect((await client.register.read()).text()).toBe('3');
  });

  it('ends calls under way, and later ones, when it is closed', async () => {
    const client = open();
    const hold = gate();
    for (const server of cluster.servers) server.faults.before = () => hold.opened;
    const write = failure(client.register.write('1'));
    await until(() => cluster.servers.some((server) => server.requests > 0));
    await client.close();
    expect(await write).toMatchObject({ code: 'CLIENT_CLOSED', outcome: 'unknown' });
    expect(await failure(client.register.read())).toMatchObject({ code: 'CLIENT_CLOSED', outcome: 'rejected' });
    await client.close();
    hold.open();
    await until(() => cluster.servers.every((server) => server.connections === 0));
  });

  it('waits and tries again when a server is throttling', async () => {
    let refusals = 0;
    for (const server of cluster.servers) {
      server.faults.before = (method) => {
        if (method !== 'write' || refusals >= 3) return;
        refusals += 1;
        throw refusal('THROTTLED', { retryable: true }, Code.ResourceExhausted);
      };
    }
    const client = open();
    await client.register.write('x');
    expect(refusals).toBe(3);
  });
});

describe('reads', () => {
  it('never go back in time by default, whichever server answers', async () => {
    const client = open();
    await client.create('/a');
    const { zxid } = await client.set('/a', 'new');
    await client.get('/a', { consistency: 'local' });
    const asked = () => cluster.reads.at(-1);
    expect(asked()).toMatchObject({ consistency: 2, atLeastZxid: zxid });
    await client.get('/a', { consistency: 'local', atLeast: zxid + 5n });
    expect(asked()).toMatchObject({ atLeastZxid: zxid + 5n });
    await client.get('/a');
    expect(asked()).toMatchObject({ consistency: 1, atLeastZxid: 0n });
    const loose = open({ monotonicReads: false });
    await loose.set('/a', 'newer');
    await loose.get('/a', { consistency: 'local' });
    expect(cluster.reads.some((read) => read?.consistency === 2 && read.atLeastZxid === 0n)).toBe(true);
  });

  it('show the version that a conditional write was refused for', async () => {
    const [client, other] = [open(), open()];
    await client.create('/a');
    await other.set('/a', 'theirs');
    const { zxid } = await failure(client.set('/a', 'ours', { version: 0 }));
    expect(zxid).toBeGreaterThan(0n);
    await client.get('/a', { consistency: 'local' });
    expect(cluster.reads.at(-1)).toMatchObject({ consistency: 2, atLeastZxid: zxid });
  });
});

describe('the register', () => {
  it('is written, read and guessed', async () => {
    const client = open();
    expect((await client.register.read()).value).toBeNull();
    expect(await client.register.write('42')).toMatchObject({ version: 1, leaderId: 1 });
    expect(await client.register.guess('41')).toMatchObject({ matched: false, version: 1, leaderId: 1 });
    expect(await client.register.guess('42')).toMatchObject({ matched: true });
    expect((await client.register.read()).text()).toBe('42');
  });
});

it('is connected as it is told', async () => {
  const dialled: string[] = [];
  await using own = createClient({
    endpoints: cluster.endpoints,
    connect: ({ host, port }) => {
      dialled.push(`${host}:${port}`);
      return connectTcp({ host, port });
    },
  });
  await own.create('/dialled');
  expect(cluster.endpoints).toEqual(expect.arrayContaining(dialled));
  expect(dialled.length).toBeGreaterThan(0);
  expect(() => createClient({ endpoints: ['h:1'], connect: 1 as never })).toThrow('connect is 1');
  // What it throws is a lost connection.
  await using broken = createClient({ endpoints: cluster.endpoints, timeoutMs: 100, connect: () => raise('no way') });
  await expect(broken.get('/dialled')).rejects.toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'rejected' });
});

function raise(message: string): never {
  throw new Error(message);
}
