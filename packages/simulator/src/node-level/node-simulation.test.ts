import { describe, expect, it } from 'vitest';
import { seedBase } from '../seed-base.js';
import { PLANTED_NODE_BUGS } from './planted-node-bugs.js';
import { runManyNodes } from './run-many-nodes.js';
import { runNodeSeed } from './run-node-seed.js';

/** How long the bounded part runs, in milliseconds, and the least that it must get done. */
const BUDGET_MS = 15_000;
const SEEDS_MIN = 30;

describe('the simulation of nodes', () => {
  it('does the same for the same seed, and another thing for another', { timeout: 60_000 }, async () => {
    for (const seed of [1, 22, 585]) {
      const [first, second] = [await runNodeSeed(seed), await runNodeSeed(seed)];
      expect(second.traceHash).toBe(first.traceHash);
      expect(second.events).toBe(first.events);
      expect(second.history).toEqual(first.history);
      expect((await runNodeSeed(seed + 1)).traceHash).not.toBe(first.traceHash);
    }
  });

  it('holds every property, from a base that the commit draws', { timeout: 10 * BUDGET_MS }, async () => {
    const until = performance.now() + BUDGET_MS;
    let done = 0;
    const totals = await runManyNodes({
      from: seedBase(),
      seeds: 1_000_000,
      after: ({ failure }) => failure === undefined && (++done < SEEDS_MIN || performance.now() < until),
    });
    const failed = totals.failures.map(
      ({ seed, failure }) => `${failure?.message ?? ''}; again: npm run vopr -- --level node --seed ${seed} --trace`,
    );
    expect(failed).toEqual([]);
    expect(totals.seeds).toBeGreaterThanOrEqual(SEEDS_MIN);
    // A run that reached nothing proves nothing.
    for (const kind of ['upToDate', 'readReply', 'snapshot saved', 'powerLoss', 'pause', 'damage found']) {
      expect(totals.counts.get(kind), kind).toBeGreaterThan(0);
    }
    expect(totals.committed).toBeGreaterThan(10 * SEEDS_MIN);
    expect(totals.operations).toBeGreaterThan(10 * SEEDS_MIN);
  });
});

describe('a planted bug of store, driver, edge or client is noticed', () => {
  it.each(PLANTED_NODE_BUGS)('$switches', { timeout: 120_000 }, async ({ switches, from, within, override }) => {
    const { failures } = await runManyNodes({ from, seeds: within, plantedBugs: new Set(switches), override });
    expect(failures.length).toBe(1);
  });
});
