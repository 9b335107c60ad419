import { describe, expect, it } from 'vitest';
import type { Result } from '@zkl/wire';
import { Feeder } from './testing/blocks.js';
import { statOf, codesOf, isThere, create, remove, NOBODY } from './testing/words.js';

/** Lines of the checklist; the names of the tests are the lines. */

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

  it('finds thousands of TTL nodes in the order of their ends, some of them some deleted', () => {
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

it('a register below an ephemeral is refused, not made', () => {
  const feeder = new Feeder();
  feeder.make('/zkl', 'ephemeral', feeder.open());
  expect(feeder.writeRegister('x')).toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS' });
});
