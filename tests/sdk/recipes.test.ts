// Over 400 lines: every recipe against one cluster.
import { createClient, jsonCodec, type Client, type Session } from '@zkl/client-sdk';
import { Barrier } from '@zkl/client-sdk/recipes/barrier';
import { AtomicValue, Counter } from '@zkl/client-sdk/recipes/counter';
import { DoubleBarrier } from '@zkl/client-sdk/recipes/double-barrier';
import { fencedSet, TokenGuard } from '@zkl/client-sdk/recipes/fencing';
import { Group } from '@zkl/client-sdk/recipes/group';
import { LeaderElection, leaderTerms } from '@zkl/client-sdk/recipes/leader-election';
import { Lock } from '@zkl/client-sdk/recipes/lock';
import { MultiLock } from '@zkl/client-sdk/recipes/multi-lock';
import { PersistentEphemeral } from '@zkl/client-sdk/recipes/persistent-ephemeral';
import { enqueue, Queue } from '@zkl/client-sdk/recipes/queue';
import { ReadWriteLock } from '@zkl/client-sdk/recipes/read-write-lock';
import { runOnce } from '@zkl/client-sdk/recipes/run-once';
import { Semaphore } from '@zkl/client-sdk/recipes/semaphore';
import { ServiceDirectory } from '@zkl/client-sdk/recipes/service-discovery';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CutProxy } from './cut-proxy.js';
import { EmbeddedCluster, failure, until } from './support.js';

let cluster: EmbeddedCluster;
let client: Client;
let a: Session;
let b: Session;
let c: Session;

beforeAll(async () => {
  cluster = await EmbeddedCluster.start(3);
  client = createClient({ endpoints: cluster.endpoints });
});

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

beforeEach(async () => {
  [a, b, c] = await Promise.all([client.session(), client.session(), client.session()]);
});

afterEach(async () => {
  await Promise.all([a.close(), b.close(), c.close()]);
});

/** How many children a folder has; 0 when there is none. */
async function childrenOf(path: string): Promise<number> {
  return (await client.exists(path))?.numChildren ?? 0;
}

describe('a lock', () => {
  it('has one holder at a time, in the order in which they came, with tokens that grow', async () => {
    const first = await new Lock(a, '/lock/one').acquire();
    const order: string[] = [];
    const waiting = [b, c].map(async (session, index) => {
      await until(async () => (await childrenOf('/lock/one')) > index);
      const held = await new Lock(session, '/lock/one').acquire();
      order.push(index === 0 ? 'b' : 'c');
      return held;
    });
    // Of two that ask at once either may be first: they are let in one by one.
    await until(async () => (await childrenOf('/lock/one')) === 3);
    expect(order).toEqual([]);
    expect(await new Lock(b, '/lock/one').tryAcquire()).toBeUndefined();
    expect(first.signal.aborted).toBe(false);
    await first.release();
    expect(first.signal.aborted).toBe(true);
    const second = await Promise.race(waiting);
    expect(second.token).toBeGreaterThan(first.token);
    await second.release();
    const [held1, held2] = await Promise.all(waiting);
    expect(Math.sign(Number(held2!.token - held1!.token))).toBe(order[0] === 'b' ? 1 : -1);
    await held1!.release();
    await held2!.release();
    await held2!.release();
  });

  it('may be re-entered where that was asked for', async () => {
    const lock = new Lock(a, '/lock/again', { reentrant: true });
    const outer = await lock.acquire();
    const inner = await lock.acquire();
    expect(inner.token).toBe(outer.token);
    await inner.release();
    await inner.release();
    expect(outer.signal.aborted).toBe(false);
    expect(await new Lock(b, '/lock/again').tryAcquire()).toBeUndefined();
    await outer.release();
    await using next = (await new Lock(b, '/lock/again').tryAcquire())!;
    expect(next.token).toBeGreaterThan(outer.token);
  });

  it('leaves nothing behind when the wait for it is given up', async () => {
    await using _held = await new Lock(a, '/lock/given-up').acquire();
    await expect(new Lock(b, '/lock/given-up').acquire({ timeoutMs: 50 })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await until(async () => (await childrenOf('/lock/given-up')) === 1);
  });

  it('tells its holder when its place was deleted', async () => {
    const held = await new Lock(a, '/lock/deleted').acquire();
    const { children } = await client.listChildren('/lock/deleted');
    await client.delete(children[0]!.path);
    await until(() => held.signal.aborted);
    await held.release();
  });

  it('is lost by a holder that is cut off before anybody else has it, and its token is refused', async () => {
    const leader = cluster.endpoints[(await cluster.untilLeader()) - 1]!;
    const proxy = await CutProxy.start(leader);
    await using cutOff = createClient({ endpoints: [proxy.address], discover: false });
    const old = await new Lock(await cutOff.session({ timeoutMs: 1_000 }), '/lock/cut').acquire();
    let lostAt = 0;
    old.signal.addEventListener('abort', () => (lostAt = performance.now()));
    const next = new Lock(b, '/lock/cut').acquire().then((held) => ({ held, at: performance.now() }));
    await until(async () => (await childrenOf('/lock/cut')) === 2);
    const cutAt = performance.now();
    await proxy[Symbol.asyncDispose]();
    const { held, at } = await next;
    expect(lostAt).toBeGreaterThan(0);
    expect(lostAt).toBeLessThanOrEqual(at);
    expect(at - cutAt).toBeGreaterThan(500);
    const guard = new TokenGuard();
    guard.admit(held.token);
    expect(() => guard.admit(old.token)).toThrow('out of date');
    await client.create('/guarded', '');
    await fencedSet(client, '/guarded', 'new', held.token);
    await fencedSet(client, '/guarded', 'newer', held.token);
    expect(await failure(fencedSet(client, '/guarded', 'old', old.token))).toMatchObject({ code: 'BAD_VERSION' });
    expect((await client.get('/guarded')).text()).toBe('newer');
    await held.release();
  });
});

it('a lock that 20 clients contend for has one holder at a time when the leader dies, and nobody is stranded', async () => {
  await using own = await EmbeddedCluster.start(3);
  const clients = Array.from({ length: 20 }, () => createClient({ endpoints: own.endpoints }));
  let holders = 0;
  let most = 0;
  const tokens: bigint[] = [];
  try {
    const contending = clients.map(async (each) => {
      const session = await each.session({ timeoutMs: 15_000 });
      for (let i = 0; i < 3; i += 1) {
        const held = await new Lock(session, '/contended').acquire();
        holders += 1;
        most = Math.max(most, holders);
        tokens.push(held.token);
        await each.exists('/contended');
        holders -= 1;
        await held.release();
      }
    });
    await until(() => tokens.length >= 15, 20_000);
    await own.kill(await own.untilLeader());
    await Promise.all(contending);
  } finally {
    await Promise.all(clients.map((each) => each.close()));
  }
  expect(most).toBe(1);
  expect(tokens).toHaveLength(60);
  expect(tokens).toEqual([...tokens].sort((x, y) => Number(x - y)));
});

describe('other locks', () => {
  it('let many read or one write, first come first served', async () => {
    const read1 = await new ReadWriteLock(a, '/rw').acquireRead();
    const read2 = await new ReadWriteLock(b, '/rw').acquireRead();
    const log: string[] = [];
    const writing = new ReadWriteLock(c, '/rw').acquireWrite().then((held) => {
      log.push('write');
      return held;
    });
    await until(async () => (await childrenOf('/rw')) === 3);
    const late = new ReadWriteLock(a, '/rw').acquireRead().then((held) => {
      log.push('read');
      return held;
    });
    await until(async () => (await childrenOf('/rw')) === 4);
    await read1.release();
    expect(log).toEqual([]);
    await read2.release();
    const written = await writing;
    expect(log).toEqual(['write']);
    await written.release();
    await (await late).release();
    expect(log).toEqual(['write', 'read']);
  });

  it('give as many permits as there are', async () => {
    const held = await Promise.all([a, b].map((session) => new Semaphore(session, '/sem', 2).acquire()));
    let third = false;
    const waiting = new Semaphore(c, '/sem', 2).acquire().then((permit) => {
      third = true;
      return permit;
    });
    await until(async () => (await childrenOf('/sem/queue')) === 1);
    expect(third).toBe(false);
    await held[1]!.release();
    await (await waiting).release();
    await held[0]!.release();
    await expect(new Semaphore(a, '/sem', 1).acquire({ timeoutMs: 5_000 })).resolves.toBeDefined();
  });

  it('are taken together or not at all', async () => {
    const both = await new MultiLock(a, ['/multi/y', '/multi/x']).acquire();
    expect([...both.tokens.keys()]).toEqual(['/multi/x', '/multi/y']);
    await expect(new MultiLock(b, ['/multi/w', '/multi/x']).acquire({ timeoutMs: 100 })).rejects.toThrow();
    await until(async () => (await childrenOf('/multi/w')) === 0);
    await both.release();
    expect(both.signal.aborted).toBe(true);
    await using again = await new MultiLock(b, ['/multi/w', '/multi/x']).acquire();
    expect(again.tokens.get('/multi/x')).toBeGreaterThan(both.tokens.get('/multi/x')!);
  });
});

describe('leader election', () => {
  it('has one leader, tells who it is, and goes on to the next', async () => {
    const [one, two] = [
      new LeaderElection(a, '/elect', { data: 'one' }),
      new LeaderElection(b, '/elect', { data: 'two' }),
    ];
    expect(await one.leader()).toBeUndefined();
    const term = await one.lead();
    const next = two.lead();
    expect(await two.leader()).toEqual({ data: 'one', token: term.token });
    const seen: (string | undefined)[] = [];
    const following = (async () => {
      for await (const leader of new LeaderElection(c, '/elect').leaders()) {
        seen.push(leader?.data);
        if (leader?.data === 'two') break;
      }
    })();
    await until(() => seen.length === 1);
    // The leader's session ends as a whole.
    await a.close();
    expect(term.signal.aborted).toBe(true);
    expect((await next).token).toBeGreaterThan(term.token);
    await following;
    expect(seen).toEqual(['one', 'two']);
  });

  it('has terms that go on after an expiry', async () => {
    const sockets = new Set<Socket>();
    let isDown = false;
    await using flaky = createClient({
      endpoints: cluster.endpoints,
      connect: ({ host, port }) => {
        if (isDown) throw new Error('down');
        const socket = connect({ host, port });
        sockets.add(socket);
        return socket;
      },
    });
    const tokens: bigint[] = [];
    for await (const term of leaderTerms(flaky, '/terms', { sessionTimeoutMs: 800 })) {
      tokens.push(term.token);
      if (tokens.length === 2) break;
      isDown = true;
      for (const socket of sockets) socket.destroy();
      await until(() => term.signal.aborted);
      isDown = false;
    }
    expect(tokens[1]).toBeGreaterThan(tokens[0]!);
  });
});

describe('barriers', () => {
  it('hold all back until they are lifted', async () => {
    const barrier = new Barrier(client, '/barrier');
    await barrier.wait();
    expect(await barrier.raise()).toBe(true);
    expect(await barrier.raise()).toBe(false);
    let passed = 0;
    const waiting = [a, b, c].map((session) => new Barrier(session, '/barrier').wait().then(() => (passed += 1)));
    await expect(barrier.wait({ timeoutMs: 100 })).rejects.toThrow();
    expect(passed).toBe(0);
    expect(await barrier.lift()).toBe(true);
    await Promise.all(waiting);
    expect(await barrier.lift()).toBe(false);
  });

  it('let all begin together and end together', async () => {
    const barriers = [a, b, c].map((session) => new DoubleBarrier(session, '/double', 3));
    let inside = 0;
    let left = 0;
    const first = barriers.slice(0, 2).map((each) => each.enter().then(() => (inside += 1)));
    await until(async () => (await childrenOf('/double/members')) === 2);
    expect(inside).toBe(0);
    await barriers[2]!.enter();
    await Promise.all(first);
    const leaving = barriers.slice(0, 2).map((each) => each.leave().then(() => (left += 1)));
    await until(async () => (await childrenOf('/double/members')) === 1);
    expect(left).toBe(0);
    await barriers[2]!.leave();
    await Promise.all(leaving);
  });
});

describe('values', () => {
  it('count what everybody adds', async () => {
    const counters = [a, b, c].map((session) => new Counter(session, '/counter'));
    expect(await counters[0]!.get()).toBe(0n);
    await Promise.all(counters.flatMap((counter) => Array.from({ length: 5 }, () => counter.add(2))));
    expect(await counters[1]!.get()).toBe(30n);
    expect(await counters[2]!.add(-31n)).toBe(-1n);
  });

  it('are compared and set', async () => {
    const value = new AtomicValue(client, '/atomic', jsonCodec<{ n: number }>());
    expect(await value.get()).toBeUndefined();
    expect(await value.compareAndSet(undefined, { n: 1 })).toBe(true);
    expect(await value.compareAndSet(undefined, { n: 9 })).toBe(false);
    const seen = await value.get();
    await value.update((now) => ({ n: (now?.n ?? 0) + 1 }));
    expect(await value.compareAndSet(seen, { n: 9 })).toBe(false);
    expect((await value.get())?.value).toEqual({ n: 2 });
  });
});

describe('a queue', () => {
  it('hands out each item once, in order, and again what was not acknowledged', async () => {
    for (const text of ['1', '2', '3']) await enqueue(client, '/queue', text);
    const queues = [new Queue(a, '/queue'), new Queue(b, '/queue')];
    const one = await queues[0]!.take();
    const two = await queues[1]!.take();
    expect([one.text(), two.text()]).toEqual(['1', '2']);
    await one.acknowledge();
    await two.release();
    const again = await queues[0]!.take();
    expect(again.text()).toBe('2');
    expect(again.token).toBeGreaterThan(two.token);
    // A consumer dies.
    await a.close();
    expect(await failure(again.acknowledge())).toMatchObject({ code: 'SESSION_EXPIRED' });
    const third = await queues[1]!.take();
    expect(third.text()).toBe('2');
    await third.acknowledge();
    await (await queues[1]!.take()).acknowledge();
    const waiting = queues[1]!.take();
    await until(async () => (await childrenOf('/queue/takers')) === 1);
    await new Queue(c, '/queue').put('4');
    const last = await waiting;
    expect(last.text()).toBe('4');
    await last.acknowledge();
    expect(await childrenOf('/queue/items')).toBe(0);
  });
});

describe('who is there', () => {
  it('is told by a group', async () => {
    const group = new Group(client, '/group');
    expect(await group.members()).toEqual([]);
    await group.join(a, 'a', 'at 1');
    await using view = await group.follow();
    expect(view.members()).toEqual([{ name: 'a', data: 'at 1' }]);
    await new Group(b, '/group').join(b, 'b');
    await until(() => view.members().length === 2);
    expect(await failure(group.join(c, 'b'))).toMatchObject({ code: 'NODE_EXISTS' });
    await a.close();
    await until(() => view.members().length === 1);
    expect((await group.members()).map(({ name }) => name)).toEqual(['b']);
  });

  it('is there again after a session of it expired', async () => {
    await using there = new PersistentEphemeral(client, '/there/me', 'x', 1_000);
    await there.ready;
    const { stat } = await client.get('/there/me');
    // As if it had expired: gone, while the session goes on.
    await client.delete('/there/me');
    await until(async () => ((await client.exists('/there/me'))?.czxid ?? 0n) > stat.czxid);
    await there.close();
    await until(async () => (await client.exists('/there/me')) === undefined);
  });

  it('is found by its service', async () => {
    const services = new ServiceDirectory<{ url: string }>(client, '/services');
    await using one = services.announce('mail', '1', { url: 'http://1' });
    await one.ready;
    await using view = await services.follow('mail');
    expect(view.pickRandom()?.value).toEqual({ url: 'http://1' });
    const two = services.announce('mail', '2', { url: 'http://2' });
    await until(() => view.instances().length === 2);
    expect(new Set([view.pickNext()?.id, view.pickNext()?.id])).toEqual(new Set(['1', '2']));
    await two.close();
    await until(() => view.instances().length === 1);
  });
});

describe('a job', () => {
  it('runs once for its slot, wherever it is asked for', async () => {
    let runs = 0;
    const job = (session: Session) => runOnce(session, 'report', '2026-01-01', () => (runs += 1));
    const results = await Promise.all([job(a), job(b), job(c)]);
    expect(results.filter(({ ran }) => ran)).toEqual([{ ran: true, value: 1 }]);
    expect(await job(a)).toEqual({ ran: false });
    expect((await runOnce(a, 'report', '2026-01-02', () => (runs += 1))).ran).toBe(true);
    expect(runs).toBe(2);
  });

  it('runs again when it failed, or lost its session', async () => {
    const failing = runOnce(a, 'fragile', 1, () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    const dying = runOnce(a, 'fragile', 1, () => a.close());
    expect(await failure(dying)).toMatchObject({ code: 'SESSION_EXPIRED' });
    expect((await runOnce(b, 'fragile', 1, ({ token }) => token)).ran).toBe(true);
  });
});
