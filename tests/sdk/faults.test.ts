import { CREATE_MODES } from '@zkl/wire';
import { createClient, type Client, type Session, type WatchStep } from '@zkl/client-sdk';
import { fencedSet, TokenGuard } from '@zkl/client-sdk/recipes/fencing';
import { Lock, type Holding } from '@zkl/client-sdk/recipes/lock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup } from '../edge/support.js';
import { CutProxy } from './cut-proxy.js';
import { startProgram, type RunningProgram } from './start-program.js';
import { EmbeddedCluster, failure, monotonicMs, until } from './support.js';

/** Of the sessions of programs that die or stand still. */
const TIMEOUT_MS = 2_000;
/** A session is over at its client this share of the timeout before the leader may end it. */
const MARGIN = 0.05;
/** How much later than it may a leader of a busy machine ends a session, at most. */
const LATE_MS_MAX = 2_000;

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

describe('a lock whose holder is a process', () => {
  it('goes to its waiter after the session timeout of a holder that was killed, and not before', async () => {
    await using holder = await startHolder('/killed');
    await using session = await client.session({ timeoutMs: 20_000 });
    const next = new Lock(session, '/killed').acquire().then((held) => ({ held, atMs: monotonicMs() }));
    await until(async () => (await client.exists('/killed'))?.numChildren === 2);
    const told = (): number => holder.lines.filter(({ event }) => event === 'confirmed').length;
    const before = told();
    await until(() => told() >= before + 2);
    holder.signal('SIGKILL');
    const killedAtMs = monotonicMs();
    const { held, atMs } = await next;
    const last = holder.lines.findLast(({ event }) => event === 'confirmed');
    const aliveAtMs = Number(last?.expiresAtMs) - TIMEOUT_MS * (1 - MARGIN);
    // A sign of life goes out four times a timeout: it is the timeout that is waited for, and not the end of the connection.
    expect(killedAtMs - aliveAtMs).toBeLessThan(TIMEOUT_MS);
    expect(atMs - aliveAtMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
    expect(atMs - killedAtMs).toBeLessThan(TIMEOUT_MS + LATE_MS_MAX);
    expect(held.token).toBeGreaterThan(tokenOf(await holder.line('held')));
    await held.release();
  });

  it('is lost by one that stood still: its signal has fired, its writes and its token are refused, the next one is served', async () => {
    await client.create('/guarded', 'of nobody');
    await using holder = await startHolder('/stopped');
    const oldToken = tokenOf(await holder.line('held'));
    await fencedSet(client, '/guarded', 'of the first', oldToken);
    const guard = new TokenGuard();
    guard.admit(oldToken);
    await using session = await client.session({ timeoutMs: 20_000 });
    const next = new Lock(session, '/stopped').acquire();
    await until(async () => (await client.exists('/stopped'))?.numChildren === 2);
    holder.signal('SIGSTOP');
    const held = await next;
    guard.admit(held.token);
    await fencedSet(client, '/guarded', 'of the next', held.token);
    // It waits in the socket: this is the first that the program sees when it goes on.
    holder.say('go on');
    holder.signal('SIGCONT');
    expect(await holder.line('went on')).toEqual({
      event: 'went on',
      aborted: true,
      fired: true,
      state: 'expired',
      written: 'SESSION_EXPIRED',
      again: 'SESSION_EXPIRED',
      fenced: 'BAD_VERSION',
    });
    expect(() => guard.admit(oldToken)).toThrow('out of date');
    expect(held.signal.aborted).toBe(false);
    guard.admit(held.token);
    await fencedSet(client, '/guarded', 'of the next, again', held.token);
    const { stat, ...read } = await client.get('/guarded');
    expect(read.data && new TextDecoder().decode(read.data)).toBe('of the next, again');
    expect(stat.version).toBe(3);
    await held.release();
  });
});

it('a lock that 50 clients contend for when the leader is killed has never two holders, and serves them all', async () => {
  await using own = await EmbeddedCluster.start(3);
  await using clients = new Clients(own, 50);
  const sessions = await Promise.all(clients.all.map((each) => each.session({ timeoutMs: 20_000 })));
  const served: Holding[] = [];
  let killing: Promise<void> | undefined;
  await Promise.all(
    sessions.map(async (session, index) => {
      const held = await new Lock(session, '/contended').acquire();
      const others = served.filter(({ signal }) => !signal.aborted);
      served.push(held);
      expect(others).toEqual([]);
      expect(served.every(({ token }) => token <= held.token)).toBe(true);
      if (served.length === 10) killing = own.kill(own.leaderId);
      await session.set('/contended', String(index), { timeoutMs: 20_000 });
      expect(served.at(-1)).toBe(held);
      expect(held.signal.aborted).toBe(false);
      await held.release();
    }),
  );
  await killing;
  expect(killing).toBeDefined();
  expect(new Set(served.map(({ token }) => token)).size).toBe(50);
});

it('a watch tells of each change once and in order across five elections', async () => {
  await using own = await EmbeddedCluster.start(3);
  await using writer = createClient({ endpoints: own.endpoints });
  await using cleanup = new Cleanup();
  const ways = await Promise.all(own.endpoints.map((endpoint) => CutProxy.start(endpoint)));
  for (const way of ways) cleanup.add(() => way[Symbol.asyncDispose]());
  await using watcher = createClient({ endpoints: ways.map(({ address }) => address), discover: false });
  await writer.create('/n', '0');
  const watch = watcher.watch('/n', { scope: 'subtree' });
  await watch.ready();
  const written: string[] = [];
  let done = false;
  const writing = (async () => {
    for (let i = 0; !done; i += 1) {
      const patiently = { timeoutMs: 20_000 };
      const { zxid, path } = await writer.create('/n/e-', null, { sequential: true, ...patiently });
      written.push(`created ${path} ${zxid}`);
      written.push(`set /n ${(await writer.set('/n', String(i), patiently)).zxid}`);
      if (i % 2 === 0) written.push(`deleted ${path} ${(await writer.delete(path, patiently)).zxid}`);
    }
    return (await writer.set('/n', 'the last')).zxid;
  })();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const step of watch.steps()) {
      seen.push(...linesOf(step));
      if (done && step.zxid >= (await writing)) return;
    }
  })();
  const untilWritten = (more: number): Promise<void> => {
    const atLeast = written.length + more;
    return until(() => written.length >= atLeast, 20_000);
  };
  const epochs = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    await untilWritten(10);
    // What the watcher is told from here on is lost, before the election and after it, until it is cut off and goes on.
    for (const way of ways) way.muted = true;
    await untilWritten(10);
    const leader = await own.untilLeader();
    await own.kill(leader);
    epochs.add(own.server(await own.untilLeader()).status().epoch);
    await untilWritten(10);
    for (const way of ways) way.cut();
    const again = await own.startServer(leader);
    await again.ready;
  }
  done = true;
  await reading;
  expect(epochs.size).toBe(5);
  expect(seen).toEqual([...written, `set /n ${await writing}`]);
});

describe('a write whose reply is lost', () => {
  let proxy: CutProxy;
  let lossy: Client;
  let session: Session;
  let leader: number;

  beforeAll(async () => {
    leader = await cluster.untilLeader();
    proxy = await CutProxy.start(cluster.endpoints[leader - 1]!);
    lossy = createClient({ endpoints: [proxy.address], discover: false });
    session = await lossy.session({ timeoutMs: 20_000 });
    await client.create('/lost', 'x');
  });

  afterAll(async () => {
    await lossy.close();
    await proxy[Symbol.asyncDispose]();
  });

  const applied = async (): Promise<bigint> => (await client.cluster.status({ serverId: leader })).appliedZxid;

  /** Cuts the connection when the write is applied and before its reply is told. @returns What the caller got, and the zxid of the write. */
  async function loseReply<T>(write: () => Promise<T>): Promise<{ answer: T; zxid: bigint }> {
    // A stream stands, and so does the connection for calls of their own.
    await lossy.exists('/lost');
    await session.exists('/lost');
    const before = await applied();
    proxy.muted = true;
    const writing = write();
    await until(async () => (await applied()) > before);
    const zxid = await applied();
    proxy.cut();
    return { answer: await writing, zxid };
  }

  it.each(CREATE_MODES)('is applied once, and gives its first answer: create, %s', async (mode) => {
    const ttlMs = mode.startsWith('ttl') ? 1_000_000 : undefined;
    const { stat: parent } = await client.get('/lost');
    const { answer, zxid } = await loseReply(() => session.create(`/lost/${mode}-`, 'x', { mode, ttlMs }));
    const suffix = mode.endsWith('Sequential') ? String(parent.cversion).padStart(10, '0') : '';
    expect(answer).toMatchObject({ zxid, path: `/lost/${mode}-${suffix}`, created: true });
    const found = (await client.get(answer.path)).stat;
    expect(found).toEqual(answer.stat);
    expect(found).toMatchObject({ czxid: zxid, mzxid: zxid, version: 0 });
    expect(await client.exists('/lost')).toMatchObject({
      cversion: parent.cversion + 1,
      numChildren: parent.numChildren + 1,
    });
  });

  it('is applied once, and gives its first answer: set', async () => {
    await client.create('/lost/set', '0');
    const { answer, zxid } = await loseReply(() => lossy.set('/lost/set', '1'));
    expect(answer).toMatchObject({ zxid, stat: { version: 1, mzxid: zxid } });
    expect((await client.get('/lost/set')).stat).toEqual(answer.stat);
  });

  it('is applied once, and gives its first answer: set with a version', async () => {
    await client.create('/lost/conditional', '0');
    const { answer, zxid } = await loseReply(() => lossy.set('/lost/conditional', '1', { version: 0 }));
    expect(answer).toMatchObject({ zxid, stat: { version: 1, mzxid: zxid } });
  });

  it('is applied once, and gives its first answer: delete', async () => {
    await client.create('/lost/deleted');
    const { answer, zxid } = await loseReply(() => lossy.delete('/lost/deleted'));
    expect(answer).toMatchObject({ zxid });
    expect(await client.exists('/lost')).toMatchObject({ pzxid: zxid });
    expect(await failure(lossy.delete('/lost/deleted'))).toMatchObject({ code: 'NO_NODE' });
  });

  it('is applied once, and gives its first answer: recursive delete', async () => {
    await client.transaction().create('/lost/tree').create('/lost/tree/a').create('/lost/tree/a/b').commit();
    const { answer, zxid } = await loseReply(() => lossy.deleteRecursive('/lost/tree'));
    expect(answer).toMatchObject({ zxid, deleted: 3 });
    expect(await client.exists('/lost/tree')).toBeUndefined();
  });

  it('is applied once, and gives its first answer: transaction', async () => {
    await client.create('/lost/txn', '0');
    const { answer, zxid } = await loseReply(() =>
      lossy
        .transaction()
        .set('/lost/txn', '1')
        .create('/lost/txn/n-', null, { sequential: true })
        .create('/lost/txn/gone')
        .delete('/lost/txn/gone')
        .commit(),
    );
    expect(answer).toMatchObject({
      zxid,
      committed: true,
      results: [{ kind: 'set' }, { path: '/lost/txn/n-0000000000' }, {}, {}],
    });
    expect(await client.exists('/lost/txn')).toMatchObject({ version: 1, mzxid: zxid, numChildren: 1 });
  });

  it('is applied once, and gives its first answer: quota', async () => {
    await client.create('/lost/bounded');
    const { answer, zxid } = await loseReply(() => lossy.setQuota('/lost/bounded', { countHard: 7 }));
    expect(answer).toMatchObject({ zxid });
    expect(await client.quota('/lost/bounded')).toMatchObject({ quota: { countHard: 7 } });
  });

  it('is applied once, and gives its first answer: write and guess of the register', async () => {
    const first = await client.register.write('0');
    const written = await loseReply(() => lossy.register.write('1'));
    expect(written.answer).toMatchObject({ zxid: written.zxid, version: first.version + 1 });
    const { guesses } = await client.register.read();
    const guessed = await loseReply(() => lossy.register.guess('1'));
    expect(guessed.answer).toMatchObject({ zxid: guessed.zxid, matched: true });
    expect(await client.register.read()).toMatchObject({ version: first.version + 1, guesses: guesses + 1n });
  });

  it('is applied once, and gives its first answer: one that is refused', async () => {
    const { answer, zxid } = await loseReply(() => failure(lossy.create('/lost')));
    expect(answer).toMatchObject({ code: 'NODE_EXISTS', outcome: 'rejected', zxid });
  });

  it('may have been applied, its caller is told, when the session ends before the reply comes', async () => {
    await using own = await CutProxy.start(cluster.endpoints[leader - 1]!);
    await using cutOff = createClient({ endpoints: [own.address], discover: false });
    const sessions = cluster.server(leader).status().sessions;
    const ending = await cutOff.session({ timeoutMs: 1_000 });
    await ending.exists('/lost');
    const before = await applied();
    own.muted = true;
    const writing = failure(ending.create('/lost/untold'));
    await until(async () => (await applied()) > before);
    expect(await writing).toMatchObject({ code: 'SESSION_EXPIRED', outcome: 'unknown', path: '/lost/untold' });
    expect(await client.exists('/lost/untold')).toBeDefined();
    expect(await failure(ending.create('/lost/late'))).toMatchObject({ outcome: 'rejected' });
    // The client's clock runs out before the server's does.
    await until(() => cluster.server(leader).status().sessions === sessions);
  });

  it('is applied once, and gives its first answer: open and close of a session', async () => {
    const sessions = (): number => cluster.server(leader).status().sessions;
    const before = sessions();
    const { answer: opened, zxid: openedAt } = await loseReply(() => lossy.session({ timeoutMs: 20_000 }));
    expect(opened.id).toBe(openedAt);
    expect(sessions()).toBe(before + 1);
    await opened.create('/lost/owned', null, { mode: 'ephemeral' });
    const startedAtMs = monotonicMs();
    const { zxid: closedAt } = await loseReply(() => opened.close());
    // It is told at once that the session is no more, and not at a deadline.
    expect(monotonicMs() - startedAtMs).toBeLessThan(5_000);
    expect(opened.state).toBe('closed');
    expect(await client.exists('/lost')).toMatchObject({ pzxid: closedAt });
    expect(await client.exists('/lost/owned')).toBeUndefined();
    expect(sessions()).toBe(before);
  });
});

/** Clients of a cluster, closed together. */
class Clients implements AsyncDisposable {
  readonly all: readonly Client[];

  constructor({ endpoints }: EmbeddedCluster, count: number) {
    this.all = Array.from({ length: count }, () => createClient({ endpoints }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((each) => each.close()));
  }
}

/** A process that holds a lock of the shared cluster. */
async function startHolder(path: string): Promise<RunningProgram> {
  const words = [cluster.endpoints.join(','), path, '/guarded', String(TIMEOUT_MS)];
  const holder = startProgram('lock-holder.ts', words);
  try {
    await holder.line('held');
    return holder;
  } catch (error) {
    await holder[Symbol.asyncDispose]();
    throw error;
  }
}

function tokenOf({ token }: { readonly token?: unknown }): bigint {
  return BigInt(String(token));
}

function linesOf(step: WatchStep): string[] {
  if (step.kind !== 'events') return step.kind === 'reset' ? ['reset'] : [];
  return step.events.map(({ type, path, zxid }) => `${type} ${path} ${zxid}`);
}
