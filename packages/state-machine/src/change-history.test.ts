import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareZxids, type Zxid } from '@zkl/wire';
import { ChangeHistory, ChangeView } from './change-history.js';
import { bytesOf, Feeder } from './testing/blocks.js';
import { stream } from './testing/dump.js';

interface Told {
  readonly type: string;
  readonly path: string;
  readonly zxid: Zxid;
  readonly index: number;
  readonly data: string | null;
  readonly previous: string | null;
}

function textOf(data: Uint8Array | null): string | null {
  return data === null ? null : String.fromCharCode(...data);
}

function tellFrom(history: ChangeHistory, from: number): Told[] {
  const view = new ChangeView();
  const told: Told[] = [];
  for (let position = from; history.read(position, view); position++) {
    const { type, path, zxid, index } = view;
    if (textOf(view.pathBytes) !== path) throw new Error(`the bytes of ${path} are others`);
    told.push({ type, path, zxid, index, data: textOf(view.data), previous: textOf(view.previousData) });
  }
  return told;
}

function zxid(counter: number): Zxid {
  return { epoch: 1, counter };
}

describe('the history of changes', () => {
  it('tells what was changed, in order, without what failed and without what was rolled back', () => {
    const history = new ChangeHistory();
    const feeder = new Feeder({ history });
    feeder.create('/a', 'one');
    feeder.create('/a');
    feeder.set('/a', 'two');
    feeder.createSequential('/a/s', null);
    feeder.transact({
      then: [
        { kind: 'set', path: '/a', data: bytesOf('lost'), expectedVersion: -1 },
        { kind: 'get', path: '/x' },
      ],
    });
    feeder.transact({
      then: [
        { kind: 'set', path: '/a', data: null, expectedVersion: -1 },
        { kind: 'deleteRecursive', path: '/a', expectedVersion: -1 },
      ],
    });
    feeder.writeRegister('r');
    expect(tellFrom(history, history.first)).toEqual([
      { type: 'created', path: '/a', zxid: zxid(1), index: 0, data: 'one', previous: null },
      { type: 'set', path: '/a', zxid: zxid(3), index: 0, data: 'two', previous: 'one' },
      { type: 'created', path: '/a/s0000000000', zxid: zxid(4), index: 0, data: null, previous: null },
      { type: 'set', path: '/a', zxid: zxid(6), index: 0, data: null, previous: 'two' },
      { type: 'deleted', path: '/a/s0000000000', zxid: zxid(6), index: 1, data: null, previous: null },
      { type: 'deleted', path: '/a', zxid: zxid(6), index: 2, data: null, previous: null },
      { type: 'created', path: '/zkl', zxid: zxid(7), index: 0, data: null, previous: null },
      { type: 'created', path: '/zkl/register', zxid: zxid(7), index: 1, data: 'r', previous: null },
    ]);
    expect(history.last).toEqual(zxid(7));
    expect(history.floor).toEqual({ epoch: 0, counter: 0 });
  });

  it('gives the stat after a change, and before a deletion, with the owner of an ephemeral', () => {
    const history = new ChangeHistory();
    const feeder = new Feeder({ history });
    const session = feeder.open();
    const made = feeder.make('/e', 'ephemeral', session, { data: bytesOf('xyz') });
    feeder.set('/e', 'four');
    feeder.send({ kind: 'sessionsExpire', sessions: [session] });
    const view = new ChangeView();
    history.read(0, view);
    expect(made).toMatchObject({ stat: view.stat });
    history.read(1, view);
    expect(view.stat).toMatchObject({ version: 1, dataLength: 4, ephemeralOwner: session, mzxid: zxid(3) });
    history.read(2, view);
    expect([view.type, view.path, textOf(view.previousData), view.data]).toEqual(['deleted', '/e', 'four', null]);
    expect(view.stat).toMatchObject({ version: 1, ephemeralOwner: session });
    expect(view.zxid).toEqual(zxid(4));
  });

  it('is complete after its floor, whatever falls out of the ring, and positions only grow', () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'rollback', 'transaction'),
      node: fc.nat(3),
      size: fc.oneof({ weight: 9, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.constantFrom(150, 250, 500) }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 50, size: 'max' }),
        fc.integer({ min: 1, max: 12 }),
        (steps, changesMax) => {
          const [all, few] = [
            new ChangeHistory({ changesMax: 1_000, bytesMax: 1 << 17 }),
            new ChangeHistory({ changesMax, bytesMax: 256 }),
          ];
          const feeders = [all, few].map((history) => new Feeder({ history }));
          for (let i = 0; i < 4; i++) for (const feeder of feeders) feeder.create(`/n${i}`, null);
          let end = 0;
          for (const { kind, node, size } of steps) {
            const set = {
              kind: 'set',
              path: `/n${node}`,
              data: new Uint8Array(size).fill(65 + (size % 26)),
              expectedVersion: -1,
            } as const;
            for (const feeder of feeders) {
              if (kind === 'set') feeder.apply(set);
              else if (kind === 'transaction') feeder.transact({ then: [set, { ...set, data: null }] });
              else feeder.transact({ then: [set, set, { kind: 'get', path: '/none' }] });
            }
            expect(few.end).toBeGreaterThanOrEqual(end);
            expect(few.end - few.first).toBeLessThanOrEqual(changesMax);
            end = few.end;
            const expected = tellFrom(all, 0).filter((one) => compareZxids(one.zxid, few.floor) > 0);
            const from = few.positionAfter(few.floor);
            expect(from).toBeDefined();
            expect(tellFrom(few, from!)).toEqual(expected);
            expect(few.last).toEqual(all.last);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('an event is neither dropped nor told twice at the edge of the retained history', () => {
    const history = new ChangeHistory({ changesMax: 4 });
    const feeder = new Feeder({ history });
    feeder.create('/a');
    const pair = [1, 2].map(() => ({ kind: 'set', path: '/a', data: null, expectedVersion: -1 }) as const);
    feeder.transact({ then: pair });
    feeder.transact({ then: pair });
    // Four changes are kept: both transactions whole.
    expect(history.floor).toEqual(zxid(1));
    expect(tellFrom(history, history.positionAfter(zxid(1))!).map((one) => one.zxid.counter)).toEqual([2, 2, 3, 3]);
    feeder.set('/a', 'x');
    // Half of the first is gone: a watcher from before it is told so, and not given the other half.
    expect(history.floor).toEqual(zxid(2));
    expect(history.positionAfter(zxid(1))).toBeUndefined();
    expect(tellFrom(history, history.positionAfter(zxid(2))!).map((one) => one.zxid.counter)).toEqual([3, 3, 4]);
    const stale = history.first - 1;
    expect(history.read(stale, new ChangeView())).toBe(false);
  });

  it('a zxid in the future has the position of what comes next', () => {
    const history = new ChangeHistory();
    const feeder = new Feeder({ history });
    feeder.create('/a');
    expect(history.positionAfter(zxid(1))).toBe(1);
    expect(history.positionAfter({ epoch: 7, counter: 1 })).toBe(history.end);
    expect(history.positionAfter(zxid(0))).toBe(0);
  });

  it('begins anew with the zxid of a snapshot that is restored; positions go on, and the end of before is none of them', async () => {
    const history = new ChangeHistory();
    const feeder = new Feeder({ history });
    feeder.create('/a');
    feeder.create('/b');
    const other = new Feeder();
    for (let i = 0; i < 5; i++) other.create(`/o${i}`);
    await feeder.machine.restore(stream(other.machine.snapshot()));
    expect(history.floor).toEqual(zxid(5));
    expect(history.last).toEqual(zxid(5));
    // One position is left out: who had read to the end finds out that it was replaced.
    expect(history.first).toBeGreaterThan(2);
    expect(history.end).toBe(history.first);
    expect(history.positionAfter(zxid(4))).toBeUndefined();
    feeder.counter = 5;
    feeder.delete('/o0');
    expect(tellFrom(history, history.positionAfter(zxid(5))!)).toMatchObject([
      { type: 'deleted', path: '/o0', zxid: zxid(6) },
    ]);
  });

  it('refuses sizes it cannot have', () => {
    expect(() => new ChangeHistory({ changesMax: 0 })).toThrow('impossible size');
    expect(() => new ChangeHistory({ bytesMax: 2 ** 31 })).toThrow('impossible size');
  });
});
