import { describe, expect, it } from 'vitest';
import { PLANTED_BUGS } from './planted-bugs.js';
import { runMany } from './run-many.js';
import { runSeed } from './run-seed.js';
import { seedBase } from './seed-base.js';

/** How long the bounded part runs, in milliseconds, and the least that it must get done. */
const BUDGET_MS = 12_000;
const SEEDS_MIN = 100;

describe('the simulation', () => {
  it('does the same for the same seed, and another thing for another', () => {
    for (const seed of [1, 2, 3, 17, 1127]) {
      const [first, second] = [runSeed(seed), runSeed(seed)];
      expect(second.traceHash).toBe(first.traceHash);
      expect(second.events).toBe(first.events);
      expect(runSeed(seed + 1).traceHash).not.toBe(first.traceHash);
    }
  });

  it('holds every property, from a base that the commit draws', { timeout: 10 * BUDGET_MS }, () => {
    const from = seedBase();
    const until = performance.now() + BUDGET_MS;
    let done = 0;
    const totals = runMany({
      from,
      seeds: 1_000_000,
      after: ({ failure }) => failure === undefined && (++done < SEEDS_MIN || performance.now() < until),
    });
    const failed = totals.failures.map(
      ({ seed, failure }) => `${failure?.message ?? ''}; again: npm run vopr -- --seed ${seed} --trace`,
    );
    expect(failed).toEqual([]);
    expect(totals.seeds).toBeGreaterThanOrEqual(SEEDS_MIN);
    // A run that reached nothing proves nothing.
    for (const kind of [
      'sync',
      'newLeader',
      'upToDate',
      'commit',
      'readReply',
      'snapshotInstalled',
      'crash',
      'pause',
      'wipe',
    ]) {
      expect(totals.seen.get(kind), kind).toBeGreaterThan(0);
    }
    expect(totals.committed).toBeGreaterThan(SEEDS_MIN);
    expect(totals.readsServed).toBeGreaterThan(SEEDS_MIN);
  });
});

describe('a planted bug is noticed', () => {
  it.each(PLANTED_BUGS)('$switches', { timeout: 120_000 }, ({ switches, from, within, override }) => {
    const { failures } = runMany({ from, seeds: within, plantedBugs: new Set(switches), override });
    expect(failures.length).toBe(1);
  });
});
