import { describe, expect, test } from 'vitest';
import type { History, Operation } from '../history/operation.js';
import { Random } from '../workload/random.js';
import { checkHistory } from './check-history.js';
import { searchRegister, searchRegisters } from './linearizability-search.js';
import { modelHistory } from './model-history.js';
import { PLANTED_ANOMALIES } from './planted-anomalies.js';
import { Findings } from './violation.js';

const SEEDS = Array.from({ length: 8 }, (_, index) => index + 1);

describe('the checker', () => {
  test.each([0, 10])(
    'finds nothing in the histories of a perfect cluster, with %i percent of outcomes unknown',
    (unknownPercent) => {
      for (const seed of SEEDS) {
        const result = checkHistory(modelHistory({ seed, unknownPercent }));
        expect(result.violations, `seed ${seed}`).toEqual([]);
        expect(result.searchedRegisters).toBe(2);
      }
    },
  );

  test.each(PLANTED_ANOMALIES.map((anomaly) => [anomaly.name, anomaly] as const))('finds that %s', (_, anomaly) => {
    let planted = 0;
    for (const seed of SEEDS) {
      const history = anomaly.plant(modelHistory({ seed }));
      if (history === undefined) continue;
      planted += 1;
      const { counts } = checkHistory(history);
      expect(counts.get(anomaly.rule) ?? 0, `seed ${seed}`).toBeGreaterThan(0);
      if (anomaly.foundBySearch) expect(counts.get('search') ?? 0, `seed ${seed}`).toBeGreaterThan(0);
    }
    expect(planted).toBeGreaterThan(5);
  });

  test('refuses a history in which a value says nothing about its write', () => {
    const { operations, children } = modelHistory({ seed: 1 });
    expect(() => checkHistory({ operations: [...operations, ...operations], children })).toThrow(/two writes/);
  });

  test('keeps the first of many violations, and counts all', () => {
    const { operations } = modelHistory({ seed: 1, calls: 100 });
    const { violations, counts } = checkHistory({ operations, children: [] });
    expect(counts.get('lost')).toBeGreaterThan(20);
    expect(violations.filter(({ rule }) => rule === 'lost')).toHaveLength(20);
  });
});

/** One random change to what a client was told. */
function corrupt(history: History, random: Random): History {
  const operations = [...history.operations];
  const candidates = operations.flatMap((operation, index) =>
    operation.outcome === 'ok' && (operation.kind === 'get' || operation.kind === 'set') ? [index] : [],
  );
  const index = random.pick(candidates);
  const operation = operations[index] as Operation & { outcome: 'ok' };
  const other = operations[random.pick(candidates)] as Operation & { outcome: 'ok' };
  operations[index] = { ...operation, result: { ...operation.result, ...resultOf(other) } } as Operation;
  return { ...history, operations };
}

function resultOf(operation: Operation & { outcome: 'ok' }): object {
  if (operation.kind === 'get') return operation.result;
  return operation.kind === 'set'
    ? { ...operation.result, value: operation.value, mzxid: operation.result.zxid }
    : operation.result;
}

test('the search and the checker agree: what no order explains, the checker reports', () => {
  let unexplained = 0;
  for (let seed = 1; seed <= 150; seed += 1) {
    const history = corrupt(modelHistory({ seed, clients: 5, calls: 20, unknownPercent: 5 }), new Random(seed));
    const search = new Findings();
    searchRegisters(history, 1_000, search);
    if (search.violations.length === 0) continue;
    unexplained += 1;
    const { counts } = checkHistory(history, { searchOperationsMax: 0 });
    expect([...counts.keys()], `seed ${seed}`).not.toEqual([]);
  }
  // Else nothing was compared.
  expect(unexplained).toBeGreaterThan(50);
});

describe('the search', () => {
  const set = (value: string, version: number, invokedUs: number, endedUs: number) =>
    ({ kind: 'set', value, version, invokedUs, endedUs }) as const;
  const get = (value: string, version: number, invokedUs: number, endedUs: number) =>
    ({ kind: 'get', value, version, invokedUs, endedUs }) as const;
  const maybe = (value: string, invokedUs: number) =>
    ({ kind: 'set', value, invokedUs, endedUs: Number.POSITIVE_INFINITY }) as const;

  test('lets calls that overlap take effect in either order', () => {
    expect(searchRegister([set('a', 0, 0, 10), set('b', 1, 20, 60), get('a', 0, 30, 40), get('b', 1, 50, 55)])).toBe(
      'linearizable',
    );
    expect(searchRegister([set('a', 0, 0, 10), set('b', 1, 20, 60), get('b', 1, 30, 40), get('a', 0, 50, 55)])).toBe(
      'notLinearizable',
    );
  });

  test('lets a set of unknown outcome take effect late, or never', () => {
    expect(searchRegister([set('a', 0, 0, 10), maybe('b', 20), get('a', 0, 100, 110)])).toBe('linearizable');
    expect(searchRegister([set('a', 0, 0, 10), maybe('b', 20), get('a', 0, 100, 110), get('b', 1, 120, 130)])).toBe(
      'linearizable',
    );
    expect(searchRegister([set('a', 0, 0, 10), maybe('b', 20), get('b', 1, 100, 110), get('a', 0, 120, 130)])).toBe(
      'notLinearizable',
    );
    expect(searchRegister([set('a', 0, 0, 10), get('b', 1, 15, 18), maybe('b', 20)])).toBe('notLinearizable');
  });

  test('gives up rather than run on', () => {
    const calls = Array.from({ length: 30 }, (_, index) => maybe(`m${index}`, 1));
    const unreadable = get('nobody wrote this', 40, 100, 110);
    expect(searchRegister([set('a', 0, 0, 1), ...calls, unreadable], 1_000)).toBe('gaveUp');
  });
});
