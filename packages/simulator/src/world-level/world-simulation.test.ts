import { describe, expect, it } from 'vitest';
import { seedBase } from '../seed-base.js';
import { PLANTED_WORLD_BUGS } from './planted-world-bugs.js';
import { runManyWorlds } from './run-many-worlds.js';
import { runWorldSeed } from './run-world-seed.js';

/** How long the bounded part runs, in milliseconds, and the least that it must get done. */
const BUDGET_MS = 6_000;
const SEEDS_MIN = 5;

describe('the simulation of whole servers and clients', () => {
  it('does the same for the same seed, and another thing for another', { timeout: 60_000 }, async () => {
    for (const seed of [14, 22]) {
      const [first, second] = [await runWorldSeed(seed), await runWorldSeed(seed)];
      expect(second.traceHash).toBe(first.traceHash);
      expect(second.events).toBe(first.events);
      expect((await runWorldSeed(seed + 1)).traceHash).not.toBe(first.traceHash);
    }
  });

  it('holds every property, from a base that the commit draws', { timeout: 20 * BUDGET_MS }, async () => {
    const until = performance.now() + BUDGET_MS;
    let done = 0;
    const totals = await runManyWorlds({
      from: seedBase(),
      seeds: 1_000_000,
      after: ({ failure }) => failure === undefined && (++done < SEEDS_MIN || performance.now() < until),
    });
    const failed = totals.failures.map(
      ({ seed, failure }) => `${failure?.message ?? ''}; again: npm run vopr -- --level world --seed ${seed} --trace`,
    );
    expect(failed).toEqual([]);
    expect(totals.seeds).toBeGreaterThanOrEqual(SEEDS_MIN);
    // A run that reached nothing proves nothing.
    for (const kind of ['write done', 'linearizable done', 'local done', 'watch events', 'held']) {
      expect(totals.counts.get(kind), kind).toBeGreaterThan(0);
    }
    expect(totals.calls).toBeGreaterThan(20 * SEEDS_MIN);
  });
});

describe('a planted bug of sessions, watches, retries, transactions or recipes is noticed', () => {
  it.each(PLANTED_WORLD_BUGS)('$switches', { timeout: 240_000 }, async ({ switches, from, within, override, by }) => {
    const { failures } = await runManyWorlds({ from, seeds: within, plantedBugs: new Set(switches), override });
    expect(failures.length).toBe(1);
    expect(by.some((property) => failures[0]?.failure?.message.startsWith(`${property}:`) === true)).toBe(true);
  });
});
