import { describe, expect, it } from 'vitest';
import type { Result } from '@zkl/wire';
import { DEFAULT_LIMITS, type StateLimits } from './limits.js';
import { Feeder } from './testing/blocks.js';

function feederWith(limits: Partial<StateLimits> = {}): Feeder {
  return new Feeder({ limits: { ...DEFAULT_LIMITS, ...limits } });
}

function id(clientId: string, requestId: number, answeredThrough = 0) {
  return { clientId, requestId, answeredThrough };
}

function version(feeder: Feeder, path: string): number | undefined {
  const answer = feeder.machine.exists(path);
  return answer.kind === 'exists' ? answer.stat?.version : undefined;
}

function codeOf(result: Result): string {
  return result.kind === 'error' ? result.code : result.kind;
}

describe('A write with (client id, request id) is applied exactly once', () => {
  it('however often it is retried; the answer of the first time is given again, with its zxid', () => {
    const feeder = feederWith();
    const first = feeder.create('/a', 'x', id('c', 1));
    const set = feeder.set('/a', 'y', -1, id('c', 2));
    const digestOf = (): number | undefined => version(feeder, '/a');
    expect(feeder.set('/a', 'y', -1, id('c', 2))).toEqual(set);
    expect(feeder.create('/a', 'x', id('c', 1))).toEqual(first);
    expect(digestOf()).toBe(1);
    expect(feeder.machine.appliedZxid).toEqual({ epoch: 1, counter: 4 });
  });

  it('through a change of leader and of epoch', () => {
    const feeder = feederWith();
    const first = feeder.writeRegister('v', id('c', 1));
    const guess = feeder.guessRegister('v', id('c', 2));
    feeder.epoch = 9;
    feeder.counter = 0;
    feeder.leader = 3;
    expect(feeder.writeRegister('v', id('c', 1))).toEqual(first);
    expect(feeder.guessRegister('v', id('c', 2))).toEqual(guess);
    expect(feeder.machine.register()).toMatchObject({ version: 1, guesses: 1, hits: 1 });
  });

  it('errors are remembered as well: a BAD_VERSION repeated is the same answer', () => {
    const feeder = feederWith();
    feeder.create('/a');
    const first = feeder.set('/a', 'x', 5, id('c', 1));
    expect(first).toMatchObject({ code: 'BAD_VERSION' });
    for (let i = 0; i < 5; i++) feeder.set('/a', 'y');
    expect(version(feeder, '/a')).toBe(5);
    expect(feeder.set('/a', 'x', 5, id('c', 1))).toEqual(first);
    expect(version(feeder, '/a')).toBe(5);
  });

  it('within one block too', () => {
    const feeder = feederWith();
    const command = { kind: 'create', path: '/n-', data: null, mode: 'persistentSequential' } as const;
    const results = feeder.applyAll([
      { command, writeId: id('c', 1) },
      { command, writeId: id('c', 1) },
      { command, writeId: id('d', 1) },
    ]);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toMatchObject({ path: '/n-0000000001' });
  });

  it('whatever the order in which the requests come', () => {
    const feeder = feederWith();
    const order = [5, 1, 9, 3, 7, 2, 8];
    const first = order.map((request) => feeder.createSequential('/n', null, id('c', request)));
    expect(order.map((request) => feeder.createSequential('/n', null, id('c', request)))).toEqual(first);
    // 1, 2, 3 and 5 are answered: 7, 8 and 9 are kept.
    expect(codeOf(feeder.createSequential('/n', null, id('c', 6, 6)))).toBe('STALE_REQUEST');
    expect(feeder.createSequential('/n', null, id('c', 7, 6))).toEqual(first[4]);
    expect(feeder.createSequential('/n', null, id('c', 9, 6))).toEqual(first[2]);
    expect(codeOf(feeder.createSequential('/n', null, id('c', 5, 6)))).toBe('STALE_REQUEST');
  });

  it('client ids are told apart to the byte, and odd ones are ordinary', () => {
    const feeder = feederWith();
    feeder.create('/r');
    for (const client of ['c', 'C', 'c ', '__proto__', 'constructor', 'é', '😀'.repeat(64)]) {
      expect(feeder.set('/r', 'x', -1, id(client, 1)), client).toMatchObject({ kind: 'set' });
    }
    expect(version(feeder, '/r')).toBe(7);
    expect(feeder.machine.clientCount).toBe(7);
  });

  it('request ids up to 2^53 - 1', () => {
    const feeder = feederWith();
    const largest = Number.MAX_SAFE_INTEGER;
    const first = feeder.create('/a', '', id('c', largest));
    expect(feeder.create('/a', '', id('c', largest, largest - 1))).toEqual(first);
    expect(feeder.create('/a', '', id('c', largest - 2 ** 32, 0))).toMatchObject({ code: 'STALE_REQUEST' });
  });
});

describe('what was answered is forgotten', () => {
  it('a request at or below answeredThrough is STALE_REQUEST, and is not applied', () => {
    const feeder = feederWith();
    feeder.create('/a', '', id('c', 1));
    feeder.set('/a', 'x', -1, id('c', 2, 1));
    expect(feeder.set('/a', 'x', -1, id('c', 1, 1))).toMatchObject({ code: 'STALE_REQUEST', path: '/a' });
    expect(feeder.set('/a', 'x', -1, id('c', 1))).toMatchObject({ code: 'STALE_REQUEST' });
    expect(feeder.set('/a', 'x', -1, id('c', 3, 3))).toMatchObject({ code: 'STALE_REQUEST' });
    expect(version(feeder, '/a')).toBe(1);
  });

  it('answeredThrough never goes back', () => {
    const feeder = feederWith();
    feeder.create('/a', '', id('c', 5));
    feeder.set('/a', '', -1, id('c', 9, 6));
    expect(codeOf(feeder.set('/a', '', -1, id('c', 6, 2)))).toBe('STALE_REQUEST');
  });
});

describe('bounds', () => {
  it('more kept replies than fit are TOO_MANY_REQUESTS: not applied, not remembered, and applied once there is room', () => {
    const feeder = feederWith({ repliesPerClientMax: 3 });
    feeder.create('/a');
    for (let request = 1; request <= 3; request++) feeder.set('/a', 'x', -1, id('c', request));
    expect(feeder.set('/a', 'x', -1, id('c', 4))).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    expect(version(feeder, '/a')).toBe(3);
    // A retry of what was applied is answered all the same.
    expect(codeOf(feeder.set('/a', 'x', -1, id('c', 3)))).toBe('set');
    expect(codeOf(feeder.set('/a', 'x', -1, id('d', 1)))).toBe('set');
    expect(codeOf(feeder.set('/a', 'x', -1, id('c', 4, 1)))).toBe('set');
    expect(version(feeder, '/a')).toBe(5);
  });

  it('a full table refuses new clients with TOO_MANY_CLIENTS and forgets nobody', () => {
    const feeder = feederWith({ clientsMax: 2 });
    feeder.create('/a');
    const first = feeder.set('/a', 'x', -1, id('c', 1));
    feeder.set('/a', 'x', -1, id('d', 1));
    expect(feeder.set('/a', 'x', -1, id('e', 1))).toMatchObject({ code: 'TOO_MANY_CLIENTS', path: '/a' });
    expect(feeder.set('/a', 'x', -1, id('c', 1))).toEqual(first);
    expect(codeOf(feeder.set('/a', 'x', -1, id('d', 2)))).toBe('set');
    expect(version(feeder, '/a')).toBe(3);
    expect(codeOf(feeder.set('/a', 'x'))).toBe('set');
  });

  it('too many bytes of replies refuse new clients, and all but one reply of the others', () => {
    const feeder = feederWith({ replyBytesMax: 300 });
    feeder.create('/a');
    for (let request = 1; request <= 3; request++)
      expect(codeOf(feeder.set('/a', 'x', -1, id('c', request)))).toBe('set');
    expect(codeOf(feeder.set('/a', 'x', -1, id('c', 4)))).toBe('TOO_MANY_REQUESTS');
    expect(codeOf(feeder.set('/a', 'x', -1, id('d', 1)))).toBe('TOO_MANY_CLIENTS');
    expect(codeOf(feeder.set('/a', 'x', -1, id('c', 4, 3)))).toBe('set');
    expect(codeOf(feeder.set('/a', 'x', -1, id('d', 1)))).toBe('set');
  });

  it('malformed write ids are MARSHALLING_ERROR and make no client', () => {
    const feeder = feederWith();
    const withId = (length: number, ...rest: number[]): Uint8Array => new Uint8Array([0x90, length, ...rest]);
    const results = feeder.applyBytes([
      withId(0, 1, 0),
      withId(1, 0xff, 1, 0),
      withId(1, 0x61, 0, 0),
      withId(65, ...new Array<number>(65).fill(0x61), 1, 0),
      withId(1, 0x61, 0x81, 0x00, 0),
    ]);
    expect(results.map(codeOf)).toEqual(new Array(5).fill('MARSHALLING_ERROR'));
    expect(feeder.machine.clientCount).toBe(0);
  });
});

describe('clients that were silent too long', () => {
  it('are dropped by the time of the log, and told so: CLIENT_FORGOTTEN', () => {
    const feeder = feederWith({ clientRetentionMs: 1000 });
    feeder.create('/a');
    feeder.set('/a', 'x', -1, id('c', 1));
    feeder.timeMs += 998;
    expect(codeOf(feeder.set('/a', 'x', -1, id('c', 1)))).toBe('set');
    feeder.timeMs += 1000;
    expect(feeder.set('/a', 'x', -1, id('c', 2, 1))).toMatchObject({ code: 'CLIENT_FORGOTTEN', path: '/a' });
    expect(version(feeder, '/a')).toBe(1);
    expect(feeder.machine.clientCount).toBe(0);
    // A new client with this id may begin.
    expect(codeOf(feeder.set('/a', 'x', -1, id('c', 1)))).toBe('set');
  });

  it('are not those whose leader has its wall clock set an hour ahead, or back: a retry is applied once', () => {
    const feeder = feederWith();
    feeder.create('/a');
    const first = feeder.set('/a', 'x', -1, id('c', 1));
    for (const jumpMs of [3_600_000, -3_600_000, 7_200_000]) {
      feeder.timeMs += jumpMs;
      feeder.set('/a', 'somebody else');
    }
    expect(feeder.set('/a', 'x', -1, id('c', 1))).toEqual(first);
    expect(version(feeder, '/a')).toBe(4);
    expect(codeOf(feeder.set('/a', 'x', -1, id('c', 2, 1)))).toBe('set');
  });

  it('an unknown client that says it had answers is CLIENT_FORGOTTEN', () => {
    expect(codeOf(feederWith().create('/a', '', id('c', 2, 1)))).toBe('CLIENT_FORGOTTEN');
  });

  it('go oldest first, a few for each write, and make room for new ones', () => {
    const feeder = feederWith({ clientRetentionMs: 1000, clientsMax: 20 });
    feeder.create('/a');
    for (let i = 0; i < 20; i++) feeder.set('/a', 'x', -1, id(`c${i}`, 1));
    feeder.set('/a', 'x', -1, id('c0', 2, 1));
    expect(codeOf(feeder.set('/a', 'x', -1, id('new', 1)))).toBe('TOO_MANY_CLIENTS');
    feeder.timeMs += 2000;
    feeder.set('/a', 'x');
    expect(feeder.machine.clientCount).toBe(16);
    expect(codeOf(feeder.set('/a', 'x', -1, id('new', 1)))).toBe('set');
    expect(feeder.machine.clientCount).toBe(13);
    // c0 wrote last, and so goes last.
    for (let i = 0; i < 2; i++) feeder.set('/a', 'x');
    expect(feeder.machine.clientCount).toBe(5);
    expect(codeOf(feeder.set('/a', 'x', -1, id('c19', 2, 1)))).toBe('CLIENT_FORGOTTEN');
  });

  it('are dropped by writes without a write id too, and never while they write', () => {
    const feeder = feederWith({ clientRetentionMs: 10 });
    feeder.create('/a');
    for (let request = 1; request < 50; request++) {
      expect(codeOf(feeder.set('/a', 'x', -1, id('c', request, request - 1)))).toBe('set');
    }
    feeder.timeMs += 100;
    feeder.set('/a', 'x');
    expect(feeder.machine.clientCount).toBe(0);
  });
});
