import { describe, expect, it } from 'vitest';
import { encodeCommand } from '@zkl/wire';
import { bytesOf, Feeder } from './testing/blocks.js';
import { namesOf, stream } from './testing/dump.js';
import { statOf, codesOf, isThere, digestAfter, create, set, remove, check, removeAll, get } from './testing/words.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

/** Lines of the checklist; the names of the tests are the lines. */

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
