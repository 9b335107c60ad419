import { describe, expect, it } from 'vitest';
import { Feeder } from './testing/blocks.js';
import { stream } from './testing/dump.js';
import { statOf, codeOf, digestAfter, create, set, remove, removeAll, NOBODY } from './testing/words.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

/** Lines of the checklist; the names of the tests are the lines. */

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
