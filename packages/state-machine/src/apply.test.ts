import { describe, expect, it } from 'vitest';
import { encodeCommand } from '@zkl/wire';
import { StateMachineFault } from './assert.js';
import { blockOf, Feeder } from './testing/blocks.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

const create = encodeCommand({ kind: 'create', path: '/a', data: null, mode: 'persistent' });

describe('apply', () => {
  it('gives one result for each write, in order, whatever the payload', () => {
    const machine = new ZnodeStateMachine();
    const whole = blockOf([create, create, create]);
    const cut = { ...whole, payload: whole.payload.subarray(0, create.length + 4 + 9) };
    const codes = machine.apply(cut).map((result) => (result.kind === 'error' ? result.code : result.kind));
    expect(codes).toEqual(['created', 'MARSHALLING_ERROR', 'MARSHALLING_ERROR']);
    expect(machine.appliedZxid).toEqual({ epoch: 1, counter: 3 });
  });

  it('takes an empty payload and lengths beyond it for malformed writes', () => {
    const machine = new ZnodeStateMachine();
    const empty = blockOf([], { count: 2 });
    expect(machine.apply(empty)).toMatchObject([
      { code: 'MARSHALLING_ERROR' },
      { code: 'MARSHALLING_ERROR', zxid: { counter: 2 } },
    ]);
    const huge = blockOf([], { firstCounter: 3, count: 1, payload: new Uint8Array([0xff, 0xff, 0xff, 0xff, 1]) });
    expect(machine.apply(huge)).toMatchObject([{ code: 'MARSHALLING_ERROR' }]);
  });

  it('takes a write of no bytes, and a path that is no UTF-8, for malformed', () => {
    const machine = new ZnodeStateMachine();
    const badPath = new Uint8Array([3, 1, 3, 0x2f, 0xc3, 0x28]);
    expect(machine.apply(blockOf([new Uint8Array(0), badPath]))).toMatchObject([
      { code: 'MARSHALLING_ERROR', path: undefined },
      { code: 'MARSHALLING_ERROR', path: undefined },
    ]);
  });

  it('reads a payload that is a view into a larger buffer', () => {
    const block = blockOf([create]);
    const buffer = new Uint8Array(block.payload.length + 20).fill(0xaa);
    buffer.set(block.payload, 11);
    const payload = buffer.subarray(11, 11 + block.payload.length);
    expect(new ZnodeStateMachine().apply({ ...block, payload })).toMatchObject([{ kind: 'created', path: '/a' }]);
  });

  it('refuses a block that does not follow: the caller is at fault', () => {
    const machine = new ZnodeStateMachine();
    expect(() => machine.apply(blockOf([create], { firstCounter: 2 }))).toThrow(StateMachineFault);
    machine.apply(blockOf([create], { epoch: 2 }));
    expect(() => machine.apply(blockOf([create], { epoch: 2 }))).toThrow(StateMachineFault);
    expect(() => machine.apply(blockOf([create], { epoch: 1, firstCounter: 2 }))).toThrow(StateMachineFault);
    expect(() => machine.apply(blockOf([create], { epoch: 3, firstCounter: 2 }))).toThrow(StateMachineFault);
    expect(() => machine.apply(blockOf([], { epoch: 3, count: 0 }))).toThrow(StateMachineFault);
    expect(machine.apply(blockOf([create], { epoch: 3 })).length).toBe(1);
  });
});

describe('the digest', () => {
  it('has 16 hexadecimal digits, and differs for every kind of change', () => {
    const feeder = new Feeder();
    const seen = new Set<string>();
    const note = (): void => {
      expect(feeder.machine.digest).toMatch(/^[0-9a-f]{16}$/);
      seen.add(feeder.machine.digest);
      // The time is part of the state: kept still, so that each step shows what it changes itself.
      feeder.timeMs = 0;
    };
    note();
    feeder.create('/a', '');
    note();
    feeder.set('/a', null);
    note();
    feeder.create('/b', '', { clientId: 'c', requestId: 1, answeredThrough: 0 });
    note();
    feeder.delete('/b', -1, { clientId: 'c', requestId: 2, answeredThrough: 1 });
    note();
    feeder.guessRegister('x');
    note();
    expect(seen.size).toBe(6);
  });

  it('does not depend on how a state was cut into blocks', () => {
    const writes = Array.from({ length: 20 }, (_, i) =>
      encodeCommand({ kind: 'create', path: `/n${i}`, data: null, mode: 'persistent' }),
    );
    const one = new ZnodeStateMachine();
    one.apply(blockOf(writes));
    const other = new ZnodeStateMachine();
    writes.forEach((write, i) => other.apply(blockOf([write], { firstCounter: i + 1 })));
    expect(other.digest).toBe(one.digest);
  });

  it('tells apart the same names in other places', () => {
    const digestOf = (paths: string[]): string => {
      const feeder = new Feeder();
      feeder.applyAll(
        paths.map((path) => ({ command: { kind: 'create', path, data: null, mode: 'persistent' } as const })),
      );
      return feeder.machine.digest;
    };
    expect(digestOf(['/a', '/b', '/a/c'])).not.toBe(digestOf(['/a', '/b', '/b/c']));
  });
});
