import { describe, expect, it } from 'vitest';
import { encodeCommand, type OperationResult, type Result, type SessionId, type Stat } from '@zkl/wire';
import { bytesOf, Feeder } from './testing/blocks.js';
import { namesOf, stream } from './testing/dump.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

/** Lines of the checklist about sessions, create modes, transactions and order; the names of the tests are the lines. */

function statOf(feeder: Feeder, path: string): Stat {
  const answer = feeder.machine.get(path);
  if (answer.kind === 'error') throw new Error(`${answer.code} ${path}`);
  return answer.stat;
}

function codeOf(result: Result | OperationResult): string {
  return result.kind === 'error' ? result.code : result.kind;
}

function codesOf(result: Result): string[] {
  if (result.kind !== 'transaction') throw new Error(codeOf(result));
  return result.results.map(codeOf);
}

function isThere(feeder: Feeder, path: string): boolean {
  const answer = feeder.machine.exists(path);
  return answer.kind === 'exists' && answer.stat !== undefined;
}

/** The digest that a state has when the log goes on for `writes` more writes that change nothing. */
async function digestAfter(feeder: Feeder, writes: number): Promise<string> {
  const copy = new Feeder({}, new ZnodeStateMachine());
  await copy.machine.restore(stream(feeder.machine.snapshot()));
  copy.counter = feeder.counter;
  copy.timeMs = feeder.timeMs;
  for (let i = 0; i < writes; i++) copy.delete('/no-such-node');
  return copy.machine.digest;
}

const create = (path: string) => ({ kind: 'create', path, data: null, mode: 'persistent' }) as const;
const set = (path: string, expectedVersion = -1) =>
  ({ kind: 'set', path, data: bytesOf('new'), expectedVersion }) as const;
const remove = (path: string, expectedVersion = -1) => ({ kind: 'delete', path, expectedVersion }) as const;
const check = (path: string, expectedVersion: number) => ({ kind: 'check', path, expectedVersion }) as const;
const removeAll = (path: string) => ({ kind: 'deleteRecursive', path, expectedVersion: -1 }) as const;
const get = (path: string) => ({ kind: 'get', path }) as const;
const NOBODY: SessionId = { epoch: 1, counter: 99_999 };

describe('Create', () => {
  it('order of checks: session, flags and TTL, path, parent, suffix, NODE_EXISTS, NO_CHILDREN_FOR_EPHEMERALS, quota', () => {
    const feeder = new Feeder();
    const session = feeder.open();
    feeder.make('/e', 'ephemeral', session);
    expect(feeder.make('bad', 'ttl', NOBODY, { ttlMs: 0 })).toMatchObject({ code: 'SESSION_EXPIRED' });
    expect(feeder.make('bad', 'ttl', session, { ttlMs: 0 })).toMatchObject({ code: 'BAD_ARGUMENTS', path: 'bad' });
    expect(feeder.make('/none/..', 'persistent')).toMatchObject({ code: 'BAD_ARGUMENTS' });
    expect(feeder.make('/none/x', 'persistent')).toMatchObject({ code: 'NO_NODE' });
    expect(feeder.make('/e/x', 'persistent')).toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS' });
    feeder.send({ kind: 'setQuota', path: '/', quota: { countHard: 1 } });
    expect(feeder.make('/e', 'persistent')).toMatchObject({ code: 'NODE_EXISTS' });
    expect(feeder.make('/e/x', 'persistent')).toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS' });
    expect(feeder.make('/f', 'persistent')).toMatchObject({ code: 'QUOTA_EXCEEDED', path: '/f' });
  });

  it('TTL is 1 .. 2^40-1 ms', () => {
    const feeder = new Feeder();
    for (const ttlMs of [0, 2 ** 40])
      expect(feeder.make('/t', 'ttl', undefined, { ttlMs })).toMatchObject({ code: 'BAD_ARGUMENTS' });
    for (const ttlMs of [1, 2 ** 40 - 1])
      expect(feeder.make(`/t${ttlMs}`, 'ttl', undefined, { ttlMs }).kind).toBe('created');
  });

  it('containers and TTL nodes show ephemeralOwner 0, an ephemeral its session', () => {
    const feeder = new Feeder();
    const session = feeder.open();
    feeder.make('/c', 'container');
    feeder.make('/t', 'ttl');
    feeder.make('/e', 'ephemeral', session);
    expect(statOf(feeder, '/c').ephemeralOwner).toEqual({ epoch: 0, counter: 0 });
    expect(statOf(feeder, '/t').ephemeralOwner).toEqual({ epoch: 0, counter: 0 });
    expect(statOf(feeder, '/e').ephemeralOwner).toEqual(session);
  });

  it('an ephemeral needs a session', () => {
    const feeder = new Feeder();
    expect(feeder.make('/e', 'ephemeral')).toMatchObject({ code: 'BAD_ARGUMENTS' });
    expect(feeder.make('/e-', 'ephemeralSequential')).toMatchObject({ code: 'BAD_ARGUMENTS' });
  });

  it('containers are removed once they had a child and have none', () => {
    const feeder = new Feeder();
    const made = feeder.make('/c', 'container');
    const czxid = made.zxid;
    expect(feeder.machine.emptyContainers(10)).toEqual([]);
    expect(feeder.send({ kind: 'reap', nodes: [{ path: '/c', czxid }] })).toMatchObject({ kind: 'reaped', count: 0 });
    feeder.create('/c/x');
    expect(feeder.machine.emptyContainers(10)).toEqual([]);
    feeder.delete('/c/x');
    expect(feeder.machine.emptyContainers(10)).toEqual([{ path: '/c', czxid }]);
    // It is looked at again when the reap is applied: a child came in between, or it is another node of that name.
    feeder.create('/c/y');
    expect(feeder.send({ kind: 'reap', nodes: [{ path: '/c', czxid }] })).toMatchObject({ count: 0 });
    feeder.delete('/c/y');
    const other = { epoch: 1, counter: czxid.counter + 1 };
    expect(feeder.send({ kind: 'reap', nodes: [{ path: '/c', czxid: other }] })).toMatchObject({ count: 0 });
    expect(feeder.send({ kind: 'reap', nodes: [{ path: '/c', czxid }] })).toMatchObject({ count: 1 });
    expect(isThere(feeder, '/c')).toBe(false);
    expect(feeder.machine.emptyContainers(10)).toEqual([]);
  });

  it('a TTL node goes when it has no children and was not modified for its TTL', () => {
    const feeder = new Feeder();
    const { zxid: czxid } = feeder.make('/t', 'ttl', undefined, { ttlMs: 50 });
    const dueMs = feeder.machine.timeMs + 50;
    const reap = (): Result => feeder.send({ kind: 'reap', nodes: [{ path: '/t', czxid }] });
    expect(feeder.machine.expiredTtl(dueMs - 1, 10)).toEqual([]);
    expect(feeder.machine.expiredTtl(dueMs, 10)).toEqual([{ path: '/t', czxid }]);
    expect(reap()).toMatchObject({ count: 0 });
    feeder.timeMs += 60;
    feeder.set('/t', 'kept alive');
    expect(reap()).toMatchObject({ count: 0 });
    feeder.create('/t/child');
    feeder.timeMs += 60;
    expect(reap()).toMatchObject({ count: 0 });
    expect(feeder.machine.expiredTtl(feeder.timeMs, 10)).toEqual([]);
    feeder.delete('/t/child');
    // Looked at with a child, it is looked at again a second later.
    expect(feeder.machine.expiredTtl(feeder.timeMs + 1000, 10)).toEqual([{ path: '/t', czxid }]);
    expect(reap()).toMatchObject({ count: 1 });
    expect(isThere(feeder, '/t')).toBe(false);
  });

  it('finds thousands of TTL nodes in the order of their ends, some of them set, some deleted', () => {
    const feeder = new Feeder();
    const dueMs = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const ttlMs = 1 + ((i * 7919) % 5000);
      feeder.make(`/t${i}`, 'ttl', undefined, { ttlMs });
      dueMs.set(`/t${i}`, feeder.timeMs + ttlMs);
      if (i % 5 === 0) {
        feeder.set(`/t${i >> 1}`, 'later');
        const ttl = 1 + (((i >> 1) * 7919) % 5000);
        if (dueMs.has(`/t${i >> 1}`)) dueMs.set(`/t${i >> 1}`, feeder.timeMs + ttl);
      }
      if (i % 7 === 0) {
        feeder.delete(`/t${i >> 2}`);
        dueMs.delete(`/t${i >> 2}`);
      }
    }
    for (const nowMs of [feeder.timeMs - 2000, feeder.timeMs, feeder.timeMs + 3000]) {
      const expected = [...dueMs].filter(([, due]) => due <= nowMs).map(([path]) => path);
      const found = feeder.machine.expiredTtl(nowMs, 10_000).map(({ path }) => path);
      expect(new Set(found)).toEqual(new Set(expected));
      expect(feeder.machine.expiredTtl(nowMs, 3).length).toBe(Math.min(3, expected.length));
    }
  });

  it('if absent: answers with the node that is there; not for sequential nodes', () => {
    const feeder = new Feeder();
    expect(feeder.make('/a', 'persistent', undefined, { ifAbsent: true })).toMatchObject({ created: true });
    const again = feeder.make('/a', 'persistent', undefined, { ifAbsent: true });
    expect(again).toMatchObject({ kind: 'created', created: false, path: '/a', stat: { czxid: { counter: 1 } } });
    expect(again.zxid.counter).toBe(2);
    expect(feeder.make('/', 'persistent', undefined, { ifAbsent: true })).toMatchObject({ created: false, path: '/' });
    expect(feeder.make('/s-', 'persistentSequential', undefined, { ifAbsent: true })).toMatchObject({
      code: 'BAD_ARGUMENTS',
    });
  });
});

describe('Sequential names', () => {
  it('a rolled-back transaction gives it back; a failed create does not use it up', () => {
    const feeder = new Feeder();
    feeder.create('/q');
    const sequential = { ...create('/q/n-'), mode: 'persistentSequential' as const };
    expect(codesOf(feeder.transact({ then: [sequential, sequential, remove('/none')] }))).toEqual([
      'ok',
      'ok',
      'NO_NODE',
    ]);
    feeder.create('/q/none/x');
    expect(feeder.createSequential('/q/n-')).toMatchObject({ path: '/q/n-0000000000' });
    expect(statOf(feeder, '/q').cversion).toBe(1);
  });

  it('a create that is retried gives the same name', () => {
    const feeder = new Feeder();
    const session = feeder.open();
    const writeId = { clientId: 'c', requestId: 1, answeredThrough: 0 };
    const command = { ...create('/n-'), mode: 'ephemeralSequential' as const };
    const first = feeder.send(command, { writeId, session });
    expect(first).toMatchObject({ path: '/n-0000000000' });
    feeder.createSequential('/n-');
    expect(feeder.send(command, { writeId, session })).toEqual(first);
    feeder.send({ kind: 'sessionClose' }, { session });
    expect(feeder.send(command, { writeId, session })).toEqual(first);
    expect(isThere(feeder, '/n-0000000000')).toBe(false);
  });
});

describe('zxid', () => {
  it('a transaction of n ops uses one, and all its nodes share that czxid and mzxid; a failed one uses one too', () => {
    const feeder = new Feeder();
    const result = feeder.transact({ then: [create('/a'), create('/a/b'), set('/a')] });
    for (const path of ['/a', '/a/b']) expect(statOf(feeder, path).czxid).toEqual(result.zxid);
    expect(statOf(feeder, '/a').mzxid).toEqual(result.zxid);
    expect(feeder.transact({ then: [create('/a')] }).zxid.counter).toBe(2);
    expect(feeder.create('/c').zxid.counter).toBe(3);
  });

  it('session create and close use one each', () => {
    const feeder = new Feeder();
    const session = feeder.open();
    expect(session).toEqual({ epoch: 1, counter: 1 });
    expect(feeder.send({ kind: 'sessionClose' }, { session }).zxid.counter).toBe(2);
  });
});

describe('Transactions', () => {
  it('later ops see earlier ones: create, then create its child; check after set', () => {
    const feeder = new Feeder();
    const then = [
      create('/a'),
      create('/a/b'),
      set('/a'),
      check('/a', 1),
      get('/a'),
      { kind: 'exists', path: '/c' } as const,
    ];
    const result = feeder.transact({ then });
    expect(codesOf(result)).toEqual(['created', 'created', 'set', 'ok', 'got', 'existed']);
    expect(result).toMatchObject({ committed: true, branch: 'then' });
    expect(result.kind === 'transaction' && result.results[4]).toMatchObject({
      data: bytesOf('new'),
      stat: { version: 1, numChildren: 1 },
    });
  });

  it('on failure the result lists OK before, the error at the op that failed, RUNTIME_INCONSISTENCY after', async () => {
    const feeder = new Feeder();
    feeder.create('/a');
    const digest = await digestAfter(feeder, 1);
    const result = feeder.transact({ then: [create('/b'), set('/a'), remove('/a', 7), create('/c'), remove('/b')] });
    expect(codesOf(result)).toEqual(['ok', 'ok', 'BAD_VERSION', 'RUNTIME_INCONSISTENCY', 'RUNTIME_INCONSISTENCY']);
    expect(result).toMatchObject({ committed: false });
    expect(feeder.machine.digest).toBe(digest);
  });

  it('an empty one is OK', () => {
    expect(new Feeder().transact({})).toMatchObject({
      kind: 'transaction',
      committed: true,
      branch: 'then',
      results: [],
    });
  });

  it('compare, then, else: version, zxid, value, existence; on a node that does not exist only existence can hold', () => {
    const feeder = new Feeder();
    feeder.create('/a', 'm');
    const branch = (compare: object): unknown =>
      (feeder.transact({ compares: [{ path: '/a', ...compare } as never] }) as { branch?: string }).branch;
    expect(branch({ target: 'version', operator: '=', operand: 0 })).toBe('then');
    expect(branch({ target: 'version', operator: '>', operand: 0 })).toBe('else');
    expect(branch({ target: 'cversion', operator: '<', operand: 1 })).toBe('then');
    expect(branch({ target: 'czxid', operator: '=', operand: { epoch: 1, counter: 1 } })).toBe('then');
    expect(branch({ target: 'mzxid', operator: '<', operand: { epoch: 2, counter: 0 } })).toBe('then');
    expect(branch({ target: 'value', operator: '=', operand: bytesOf('m') })).toBe('then');
    expect(branch({ target: 'value', operator: '>', operand: null })).toBe('then');
    expect(branch({ target: 'value', operator: '<', operand: bytesOf('ma') })).toBe('then');
    expect(branch({ target: 'value', operator: '!=', operand: bytesOf('m') })).toBe('else');
    expect(branch({ target: 'exists', operator: '=', operand: true })).toBe('then');
    expect(branch({ path: '/none', target: 'exists', operator: '=', operand: false })).toBe('then');
    expect(branch({ path: '/none', target: 'version', operator: '!=', operand: 5 })).toBe('else');
    expect(
      feeder.transact({ compares: [{ path: 'bad', target: 'exists', operator: '=', operand: true }] }),
    ).toMatchObject({
      kind: 'error',
      code: 'BAD_ARGUMENTS',
      path: 'bad',
    });
  });

  it('create-if-absent, check-absent and recursive delete inside', () => {
    const feeder = new Feeder();
    feeder.create('/a');
    feeder.create('/a/b');
    expect(codesOf(feeder.transact({ then: [{ kind: 'checkAbsent', path: '/a' }] }))).toEqual(['NODE_EXISTS']);
    const then = [
      { ...create('/a'), ifAbsent: true },
      removeAll('/a'),
      { kind: 'checkAbsent', path: '/a' } as const,
      create('/a'),
    ];
    const result = feeder.transact({ then });
    expect(codesOf(result)).toEqual(['created', 'deletedRecursive', 'ok', 'created']);
    expect(result.kind === 'transaction' && result.results[1]).toMatchObject({ count: 2 });
    expect(statOf(feeder, '/a').numChildren).toBe(0);
  });

  it('takes back removals of ephemerals, containers, TTL nodes, quotas and whole subtrees, to the last field', async () => {
    const feeder = new Feeder();
    const session = feeder.open();
    feeder.create('/top', 'top');
    feeder.make('/top/e', 'ephemeral', session, { data: bytesOf('mine') });
    feeder.make('/top/c', 'container');
    feeder.make('/top/c/x', 'persistent', undefined, { data: null });
    feeder.make('/top/t', 'ttl');
    feeder.delete('/top/c/x');
    feeder.createSequential('/top/s-');
    feeder.send({ kind: 'setQuota', path: '/top', quota: { countHard: 50, bytesSoft: 3 } });
    const [digest, quota] = [await digestAfter(feeder, 1), feeder.machine.quota('/top')];
    const again = [create('/top'), set('/top'), create('/top/e'), removeAll('/top'), create('/top')];
    expect(codesOf(feeder.transact({ then: [set('/top'), removeAll('/top'), ...again, create('/top')] })).at(-1)).toBe(
      'NODE_EXISTS',
    );
    expect(feeder.machine.digest).toBe(digest);
    expect(feeder.machine.quota('/top')).toEqual(quota);
    expect(feeder.machine.emptyContainers(5)).toMatchObject([{ path: '/top/c' }]);
    expect(feeder.machine.ephemerals(session)).toEqual(['/top/e']);
    const copy = new ZnodeStateMachine();
    await copy.restore(stream(feeder.machine.snapshot()));
    expect(copy.digest).toBe(digest);
    expect(copy.quota('/top')).toEqual(quota);
    expect(feeder.send({ kind: 'sessionClose' }, { session })).toMatchObject({ deleted: 1 });
  });

  it('is bounded: operations, bytes of answers, bytes of what is replaced', () => {
    const feeder = new Feeder({
      limits: { transactionOperationsMax: 3, transactionBytesMax: 2000, recursiveNodesMax: 3 },
    });
    feeder.create('/a', 'x'.repeat(900));
    expect(feeder.transact({ then: [get('/a'), get('/a'), get('/a'), get('/a')] })).toMatchObject({
      code: 'BAD_ARGUMENTS',
    });
    expect(codesOf(feeder.transact({ then: [get('/a'), get('/a'), get('/a')] }))).toEqual([
      'ok',
      'ok',
      'MESSAGE_TOO_LARGE',
    ]);
    feeder.create('/b', 'x'.repeat(1500));
    expect(codesOf(feeder.transact({ then: [set('/a'), set('/b')] }))).toEqual(['ok', 'TOO_MANY_NODES']);
    expect([statOf(feeder, '/a').dataLength, statOf(feeder, '/b').dataLength]).toEqual([900, 1500]);
    for (const path of ['/d', '/d/1', '/d/2', '/d/3']) feeder.create(path);
    expect(feeder.send(removeAll('/d'))).toMatchObject({ code: 'TOO_MANY_NODES', path: '/d' });
    expect(namesOf(feeder.machine, '/d')).toEqual(['1', '2', '3']);
  });
});

describe('Sessions', () => {
  it('all the ephemerals of a session go in one zxid; closing does the same at once', () => {
    for (const close of [true, false]) {
      const feeder = new Feeder();
      const [mine, other] = [feeder.open(), feeder.open()];
      feeder.create('/g');
      for (let i = 0; i < 20; i++) feeder.make('/g/m-', 'ephemeralSequential', i % 4 === 0 ? other : mine);
      const result = close
        ? feeder.send({ kind: 'sessionClose' }, { session: mine })
        : feeder.send({ kind: 'sessionsExpire', sessions: [mine, NOBODY] });
      expect(result).toMatchObject(
        close ? { kind: 'sessionClosed', deleted: 15 } : { kind: 'sessionsExpired', count: 1 },
      );
      expect(statOf(feeder, '/g')).toMatchObject({ numChildren: 5, cversion: 35, pzxid: result.zxid });
      expect(feeder.machine.session(mine)).toBeUndefined();
      expect(feeder.machine.session(other)).toMatchObject({ ephemerals: 5, timeoutMs: 1000 });
    }
  });

  it('a write that names a session that is gone is refused before all else, and changes nothing', async () => {
    const feeder = new Feeder();
    const session = feeder.open();
    feeder.send({ kind: 'sessionsExpire', sessions: [session] });
    const digest = await digestAfter(feeder, 5);
    for (const command of [create('/a'), set('bad'), removeAll('/'), { kind: 'sessionClose' } as const]) {
      expect(codeOf(feeder.send(command, { session }))).toBe('SESSION_EXPIRED');
    }
    expect(codeOf(feeder.transact({ then: [create('/a')] }, session))).toBe('SESSION_EXPIRED');
    expect(feeder.machine.digest).toBe(digest);
  });

  it('a close that is retried gives the first answer, not SESSION_EXPIRED', () => {
    const feeder = new Feeder();
    const session = feeder.open();
    feeder.make('/e', 'ephemeral', session);
    const writeId = { clientId: 'c', requestId: 1, answeredThrough: 0 };
    const first = feeder.send({ kind: 'sessionClose' }, { session, writeId });
    expect(first).toMatchObject({ deleted: 1 });
    expect(feeder.send({ kind: 'sessionClose' }, { session, writeId })).toEqual(first);
  });

  it('are bounded, and a timeout has bounds', () => {
    const feeder = new Feeder({ limits: { sessionsMax: 2 } });
    const secretHash = new Uint8Array(32);
    for (const timeoutMs of [0, 86_400_001]) {
      expect(feeder.send({ kind: 'sessionOpen', timeoutMs, secretHash })).toMatchObject({ code: 'BAD_ARGUMENTS' });
    }
    const first = feeder.open();
    feeder.open();
    expect(feeder.send({ kind: 'sessionOpen', timeoutMs: 5, secretHash })).toMatchObject({ code: 'TOO_MANY_SESSIONS' });
    feeder.send({ kind: 'sessionClose' }, { session: first });
    expect(feeder.send({ kind: 'sessionOpen', timeoutMs: 5, secretHash }).kind).toBe('sessionOpened');
  });

  it('keep the hash of the secret, also over a snapshot', async () => {
    const feeder = new Feeder();
    const secretHash = new Uint8Array(32).map((_, i) => 7 * i + 200);
    const opened = feeder.send({ kind: 'sessionOpen', timeoutMs: 4321, secretHash });
    const copy = new ZnodeStateMachine();
    await copy.restore(stream(feeder.machine.snapshot()));
    for (const machine of [feeder.machine, copy]) {
      expect(machine.session(opened.zxid)).toEqual({ id: opened.zxid, timeoutMs: 4321, secretHash, ephemerals: 0 });
    }
  });
});

describe('Order: per client FIFO, pipelined ones included', () => {
  const ordered = (requestId: number, answeredThrough = 0) => ({
    writeId: { clientId: 'c', requestId, answeredThrough },
    ordered: true,
  });

  it('a write that overtook another is refused (OUT_OF_ORDER), and applied when it is sent again after it', () => {
    const feeder = new Feeder();
    expect(feeder.send(create('/2'), ordered(2))).toMatchObject({ code: 'OUT_OF_ORDER', path: '/2' });
    expect(feeder.send(create('/1'), ordered(1)).kind).toBe('created');
    expect(feeder.send(create('/3'), ordered(3))).toMatchObject({ code: 'OUT_OF_ORDER' });
    expect(feeder.send(create('/2'), ordered(2)).kind).toBe('created');
    expect(feeder.send(create('/3'), ordered(3)).kind).toBe('created');
  });

  it('a repeated one gets its first answer, also when later ones were applied', () => {
    const feeder = new Feeder();
    const first = feeder.send({ ...create('/n-'), mode: 'persistentSequential' }, ordered(1));
    feeder.send({ ...create('/n-'), mode: 'persistentSequential' }, ordered(2));
    expect(feeder.send({ ...create('/n-'), mode: 'persistentSequential' }, ordered(1))).toEqual(first);
  });

  it('goes on when all earlier answers are known to have come', () => {
    const feeder = new Feeder();
    feeder.send(create('/1'), ordered(1));
    feeder.send(create('/2'), ordered(2));
    expect(feeder.send(create('/3'), ordered(3, 2)).kind).toBe('created');
    expect(feeder.send(create('/5'), ordered(5, 3))).toMatchObject({ code: 'OUT_OF_ORDER' });
    expect(feeder.send(create('/4'), ordered(4, 3)).kind).toBe('created');
  });

  it('an error is an answer like any other: what comes after it is applied', () => {
    const feeder = new Feeder();
    expect(feeder.send(remove('/none'), ordered(1))).toMatchObject({ code: 'NO_NODE' });
    expect(feeder.send(create('/a'), ordered(2)).kind).toBe('created');
  });
});

describe('Quotas', () => {
  it('a hard bound refuses what goes beyond it, anywhere below; a soft one does not', () => {
    const feeder = new Feeder();
    feeder.create('/q', '12');
    feeder.create('/q/a', '3');
    feeder.send({ kind: 'setQuota', path: '/q', quota: { countSoft: 1, countHard: 3, bytesSoft: 1, bytesHard: 6 } });
    expect(feeder.machine.quota('/q')).toMatchObject({ count: 2, bytes: 3 });
    expect(feeder.create('/q/a/b', '456').kind).toBe('created');
    expect(feeder.create('/q/c', '')).toMatchObject({ code: 'QUOTA_EXCEEDED' });
    expect(feeder.set('/q/a', '33')).toMatchObject({ code: 'QUOTA_EXCEEDED' });
    expect(feeder.set('/q/a/b', '45').kind).toBe('set');
    expect(feeder.set('/q/a', '33').kind).toBe('set');
    expect(feeder.machine.quota('/q')).toMatchObject({ count: 3, bytes: 6 });
    feeder.delete('/q/a/b');
    expect(feeder.machine.quota('/q')).toMatchObject({ count: 2, bytes: 4 });
    feeder.send({ kind: 'setQuota', path: '/q', quota: null });
    expect(feeder.machine.quota('/q')).toEqual({ kind: 'quota', quota: undefined, count: 0, bytes: 0 });
    expect(feeder.create('/q/c', 'x'.repeat(100)).kind).toBe('created');
  });

  it('hold for the register too', () => {
    const feeder = new Feeder();
    feeder.send({ kind: 'setQuota', path: '/', quota: { countHard: 2 } });
    expect(feeder.writeRegister('x')).toMatchObject({ code: 'QUOTA_EXCEEDED' });
    expect(feeder.machine.znodeCount).toBe(1);
    feeder.send({ kind: 'setQuota', path: '/', quota: { countHard: 3, bytesHard: 1 } });
    expect(feeder.writeRegister('x').kind).toBe('registerWritten');
    expect(feeder.writeRegister('xx')).toMatchObject({ code: 'QUOTA_EXCEEDED' });
  });

  it('go with their node', () => {
    const feeder = new Feeder({ limits: { quotasMax: 1 } });
    feeder.create('/q');
    feeder.send({ kind: 'setQuota', path: '/q', quota: {} });
    expect(feeder.send({ kind: 'setQuota', path: '/', quota: {} })).toMatchObject({ code: 'TOO_MANY_NODES' });
    feeder.delete('/q');
    expect(feeder.send({ kind: 'setQuota', path: '/', quota: {} }).kind).toBe('quotaSet');
  });
});

it('a register below an ephemeral is refused, not made', () => {
  const feeder = new Feeder();
  feeder.make('/zkl', 'ephemeral', feeder.open());
  expect(feeder.writeRegister('x')).toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS' });
});

it('a write that is cut off is MARSHALLING_ERROR, of every kind', () => {
  const feeder = new Feeder();
  const session = feeder.open();
  const bytes = encodeCommand(
    { kind: 'transaction', compares: [], then: [create('/a'), get('/a')], else: [] },
    { session },
  );
  for (let length = 1; length < bytes.length; length++) {
    expect(feeder.applyBytes([bytes.subarray(0, length)])[0]).toMatchObject({ code: 'MARSHALLING_ERROR' });
  }
  expect(isThere(feeder, '/a')).toBe(false);
});
