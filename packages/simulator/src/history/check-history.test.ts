import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHistory } from './check-history.js';
import { formatHistory, parseHistory } from './json-lines.js';
import { performAndCompare } from './answers.js';
import { divide, type Component } from './components.js';
import { isAnswered, type Call } from './record.js';
import { searchOrder } from './search.js';
import { TreeModel } from './tree-model.js';

const path = '/k';
const a = { client: 'a', path };
const b = { client: 'b', path };

function onlyComponent(history: readonly Call[]): Component {
  const components = divide(history, history);
  expect(components.length).toBeLessThan(2);
  return components[0] ?? { calls: [], keys: new Set(), creatable: new Set() };
}

function verdictOf(history: readonly Call[], workMax?: number): string {
  return searchOrder(onlyComponent(history), workMax).kind;
}

describe('histories that are linearizable', () => {
  const cases: Record<string, Call[]> = {
    'no operations at all': [],
    'a read that overlaps a write, and sees the old value': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...a, start: 2, end: 6, kind: 'set', value: 'y', expected: -1, version: 1 },
      { ...b, start: 3, end: 4, kind: 'get', consistency: 'linearizable', value: 'x', version: 0 },
    ],
    'a read that overlaps a write, and sees the new value': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...a, start: 2, end: 6, kind: 'set', value: 'y', expected: 0, version: 1 },
      { ...b, start: 3, end: 4, kind: 'get', consistency: 'linearizable', value: 'y', version: 1 },
    ],
    'a write without an answer that took effect late': [
      { ...a, start: 0, kind: 'create', value: 'x' },
      { ...b, start: 1, end: 2, kind: 'get', consistency: 'linearizable' },
      { ...b, start: 3, end: 4, kind: 'get', consistency: 'linearizable', value: 'x', version: 0 },
    ],
    'a write without an answer that never took effect': [
      { ...a, start: 0, kind: 'create', value: 'x' },
      { ...b, start: 1, end: 2, kind: 'delete', expected: -1, refused: 'NO_NODE' },
    ],
    'two creates, of which one is refused': [
      { ...a, start: 0, end: 5, kind: 'create', value: 'x', refused: 'NODE_EXISTS' },
      { ...b, start: 1, end: 4, kind: 'create', value: 'y' },
    ],
    'a delete with the right version, and a new life': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...a, start: 2, end: 3, kind: 'set', value: 'y', expected: 0, version: 1 },
      { ...a, start: 4, end: 5, kind: 'delete', expected: 1 },
      { ...a, start: 6, end: 7, kind: 'create', value: 'z' },
      { ...a, start: 8, end: 9, kind: 'get', consistency: 'linearizable', value: 'z', version: 0 },
    ],
    'guesses around a write of the register': [
      { client: 'a', start: 0, end: 1, kind: 'registerGuess', value: '1', matched: false, version: 0 },
      { client: 'a', start: 2, end: 9, kind: 'registerWrite', value: '1', version: 1 },
      { client: 'b', start: 3, end: 4, kind: 'registerGuess', value: '1', matched: true, version: 1 },
      {
        client: 'b',
        start: 5,
        end: 6,
        kind: 'registerRead',
        consistency: 'linearizable',
        value: '1',
        version: 1,
      },
    ],
  };
  it.each(Object.entries(cases))('%s', (_, history) => expect(verdictOf(history)).toBe('linearizable'));
});

describe('histories that are not', () => {
  const cases: Record<string, Call[]> = {
    'a read of what was overwritten before it began': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...a, start: 2, end: 3, kind: 'set', value: 'y', expected: -1, version: 1 },
      { ...b, start: 4, end: 5, kind: 'get', consistency: 'linearizable', value: 'x', version: 0 },
    ],
    'a write that was lost': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...b, start: 2, end: 3, kind: 'get', consistency: 'linearizable' },
    ],
    'two reads that see the new value and then the old one': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...a, start: 2, end: 9, kind: 'set', value: 'y', expected: -1, version: 1 },
      { ...b, start: 3, end: 4, kind: 'get', consistency: 'linearizable', value: 'y', version: 1 },
      { ...b, start: 5, end: 6, kind: 'get', consistency: 'linearizable', value: 'x', version: 0 },
    ],
    'a write that was applied twice': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...a, start: 2, end: 3, kind: 'set', value: 'y', expected: -1, version: 1 },
      { ...b, start: 4, end: 5, kind: 'get', consistency: 'linearizable', value: 'y', version: 2 },
    ],
    'two compare-and-sets of one version': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...a, start: 2, end: 5, kind: 'set', value: 'y', expected: 0, version: 1 },
      { ...b, start: 3, end: 6, kind: 'set', value: 'z', expected: 0, version: 1 },
    ],
    'a refusal that nothing explains': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...b, start: 2, end: 3, kind: 'set', value: 'y', expected: 0, refused: 'BAD_VERSION' },
    ],
    'a read of what nobody wrote': [
      { ...a, start: 0, end: 1, kind: 'create', value: 'x' },
      { ...b, start: 0, end: 3, kind: 'get', consistency: 'linearizable', value: 'w', version: 0 },
    ],
    'a write without an answer that came and went': [
      { ...a, start: 0, kind: 'create', value: 'x' },
      { ...b, start: 1, end: 2, kind: 'get', consistency: 'linearizable', value: 'x', version: 0 },
      { ...b, start: 3, end: 4, kind: 'get', consistency: 'linearizable' },
    ],
    'a guess that missed the value there was': [
      { client: 'a', start: 0, end: 1, kind: 'registerWrite', value: '1', version: 1 },
      { client: 'b', start: 2, end: 3, kind: 'registerGuess', value: '1', matched: false, version: 1 },
    ],
  };
  it.each(Object.entries(cases))('%s', (_, history) => expect(verdictOf(history)).toBe('violation'));
});

describe('the search', () => {
  it('agrees with trying every order, on small histories of every kind', () => {
    const seen = { linearizable: 0, violation: 0, undecided: 0 };
    fc.assert(
      fc.property(fc.array(anyCall(), { minLength: 1, maxLength: 5 }), (history) => {
        const kind = verdictOf(history) as keyof typeof seen;
        seen[kind]++;
        expect(kind).toBe(isLinearizableByTrial(history) ? 'linearizable' : 'violation');
      }),
      { numRuns: 3_000, seed: 4 },
    );
    expect(Math.min(seen.linearizable, seen.violation)).toBeGreaterThan(100);
  });

  it('gives up within its bound', () => {
    const many = Array.from({ length: 30 }, (_, i) => ({
      client: `c${i}`,
      path,
      start: 0,
      kind: 'set' as const,
      value: `${i}`,
      expected: -1,
    }));
    const impossible = { ...a, start: 1, end: 2, kind: 'get', consistency: 'linearizable', value: 'no' } as const;
    const create = { ...a, start: 0, end: 0.5, kind: 'create', value: 'x' } as const;
    expect(verdictOf([create, ...many, impossible], 200_000)).toBe('undecided');
  });
});

describe('checkHistory', () => {
  const write = { ...a, kind: 'create', value: 'x' } as const;

  it('judges keys by themselves, and leaves out reads that ask for less', () => {
    const report = checkHistory([
      { ...write, start: 0, end: 1, zxid: 1 },
      { ...write, path: '/other', start: 2, end: 3, zxid: 2 },
      { ...b, start: 4, end: 5, kind: 'get', consistency: 'local', zxid: 0 },
    ]);
    expect(report).toEqual({ faults: [], calls: 3, components: 2, searchUndecided: 0, replayUndecided: 0 });
  });

  it('notices an order that contradicts the clock across keys', () => {
    const { faults } = checkHistory([
      { ...write, start: 0, end: 1, zxid: 5 },
      { ...b, path: '/other', start: 2, end: 3, kind: 'get', consistency: 'linearizable', zxid: 4 },
    ]);
    expect(faults.map(({ property }) => property)).toEqual(['real-time']);
  });

  it('lets calls that overlap have any order', () => {
    const { faults } = checkHistory([
      { ...write, start: 0, end: 3, zxid: 5 },
      { ...b, path: '/other', start: 2, end: 4, kind: 'get', consistency: 'linearizable', zxid: 4 },
    ]);
    expect(faults).toEqual([]);
  });

  it('notices two writes in one place', () => {
    const { faults } = checkHistory([
      { ...write, start: 0, end: 3, zxid: 5 },
      { ...write, path: '/other', start: 0, end: 3, zxid: 5 },
    ]);
    expect(faults.map(({ property }) => property)).toEqual(['one-place']);
  });

  it('reads back what it wrote as JSON lines, and names the line that is none', () => {
    const history: Call[] = [
      { ...write, start: 0, end: 1, zxid: 1 },
      { ...b, start: 4, kind: 'set', value: 'y', expected: 3 },
    ];
    expect(parseHistory(formatHistory(history))).toEqual(history);
    expect(() => parseHistory(`${formatHistory(history)}{"kind":"set"}\n`)).toThrow('line 3');
  });
});

describe('writes that nobody was told of', () => {
  const unseenDelete: Call = { ...b, start: 2, kind: 'delete', expected: -1 };
  const unseenCreate: Call = { ...b, start: 3, kind: 'create', value: 'unseen' };
  const create: Call = { ...a, start: 0, end: 1, kind: 'create', value: 'x', zxid: 1 };
  const set: Call = { ...a, start: 4, end: 5, kind: 'set', value: 'y', expected: 0, version: 1, zxid: 4 };
  const seen = { ...a, start: 6, end: 7, kind: 'get', consistency: 'local', value: 'y', version: 1, zxid: 4 } as const;

  /** The faults of the order of the zxids, and what remains undecided. */
  const judge = (history: readonly Call[]): [string[], number] => {
    const { faults, replayUndecided } = checkHistory(history, { searchWorkMax: 0 });
    return [faults.map(({ property }) => property), replayUndecided];
  };

  it('stand where a czxid shows one of them, though a set has covered it up (world, seed 110157)', () => {
    const read = { ...seen, czxid: 3 };
    expect(judge([unseenDelete, unseenCreate, create, set, read])).toEqual([[], 0]);
    expect(judge([create, set, read])).toEqual([['zxid-order'], 0]);
    expect(judge([unseenDelete, create, set, read])).toEqual([['zxid-order'], 0]);
    expect(judge([unseenCreate, create, set, read])).toEqual([['zxid-order'], 0]);
  });

  it('stand at no place that another write has', () => {
    expect(judge([unseenDelete, unseenCreate, create, set, { ...seen, czxid: 4 }])).toEqual([['zxid-order'], 0]);
    const elsewhere: Call = { client: 'c', path: '/other', start: 1, end: 4, kind: 'create', value: 'z', zxid: 3 };
    const read = { ...seen, czxid: 3 };
    expect(judge([unseenDelete, unseenCreate, create, set, elsewhere, read])).toEqual([['zxid-order'], 0]);
  });

  it('stand at no place that was known to be passed when they began', () => {
    const read = { ...seen, czxid: 3, start: 8, end: 9 };
    const late = (call: Call): Call => ({ ...call, start: 6 });
    expect(judge([late(unseenDelete), late(unseenCreate), create, set, read])).toEqual([['zxid-order'], 0]);
  });

  it('stand where a mzxid shows one of them', () => {
    const unseenSet: Call = { ...b, start: 2, kind: 'set', value: null };
    const exists = (mzxid: number, version: number): Call => ({
      ...a,
      ...{ start: 8, end: 9, kind: 'exists', version, czxid: 1, mzxid, zxid: 5 },
    });
    expect(judge([create, unseenSet, exists(3, 1)])).toEqual([[], 0]);
    expect(judge([create, unseenSet, exists(3, 2)])).toEqual([['zxid-order'], 0]);
    expect(judge([create, unseenDelete, exists(3, 1)])).toEqual([['zxid-order'], 0]);
  });

  it('stand before one that was seen, when its version counts them', () => {
    const write = (value: string): Call => ({ client: value, start: 0, kind: 'registerWrite', value });
    const read: Call = {
      client: 'r',
      start: 5,
      end: 6,
      kind: 'registerRead',
      value: 'y',
      version: 2,
      mzxid: 3,
      zxid: 3,
    };
    expect(judge([write('x'), write('y'), read])).toEqual([[], 0]);
    expect(judge([write('y'), read])).toEqual([['zxid-order'], 0]);
  });

  it('have used a number, though the session of what they created is over', () => {
    const child = { client: 's', path: '/k/n-', kind: 'create', value: null, mode: 'ephemeralSequential' } as const;
    const number = (counter: number): string => `/k/n-000000000${counter}`;
    const history = (second: number): Call[] => [
      create,
      { ...child, session: 7, start: 2, end: 3, zxid: 2, name: number(0) },
      { ...child, session: 7, start: 4 },
      { client: 's', kind: 'sessionClose', session: 7, start: 5, end: 6, zxid: 5 },
      { ...child, session: 8, start: 7, end: 8, zxid: 6, name: number(second) },
    ];
    expect(judge(history(1))).toEqual([[], 0]);
    expect(judge(history(2))).toEqual([[], 0]);
    // Sequential creates that nobody saw leave much open.
    expect(judge(history(3))).toEqual([[], 1]);
  });
});

function anyCall(): fc.Arbitrary<Call> {
  const call = fc.record({ start: fc.nat(8), length: fc.option(fc.nat(5), { nil: undefined }) });
  const expected = fc.integer({ min: -1, max: 1 });
  const value = fc.constantFrom('x', 'y');
  const refused = fc.constantFrom(undefined, undefined, 'NO_NODE' as const, 'BAD_VERSION' as const);
  const version = fc.integer({ min: 0, max: 2 });
  const detail = fc.oneof(
    fc.record({ kind: fc.constant('create' as const), value, refused: fc.constantFrom(undefined, 'NODE_EXISTS') }),
    fc.record({ kind: fc.constant('set' as const), value, expected, refused }),
    fc.record({ kind: fc.constant('delete' as const), expected, refused }),
    fc.record({
      kind: fc.constant('get' as const),
      consistency: fc.constant('linearizable' as const),
      value: fc.option(value, { nil: undefined }),
      version,
    }),
  );
  return fc.tuple(call, detail).map(([{ start, length }, rest]) => ({
    ...a,
    ...rest,
    start,
    ...(length === undefined ? {} : { end: start + length }),
  }));
}

/** Every order of every choice of what took effect: the definition itself. */
function isLinearizableByTrial(history: readonly Call[]): boolean {
  const model = new TreeModel(new Set([path]));
  const goesOn = (left: readonly Call[]): boolean => {
    if (!left.some(isAnswered)) return true;
    return left.some((candidate) => {
      if (left.some(({ end }) => end !== undefined && end < candidate.start)) return false;
      const mark = model.mark();
      const isPossible = performAndCompare(model, candidate, { withPlaces: false }) === undefined;
      const goes = isPossible && goesOn(left.filter((other) => other !== candidate));
      model.undo(mark);
      return goes;
    });
  };
  return goesOn(history);
}
