import { afterAll, describe, expect, it } from 'vitest';
import { seedBase } from '../../packages/simulator/src/seed-base.js';
import { allTargets } from './all-targets.js';
import { fuzz } from './engine/fuzz.js';

const base = seedBase();
/** A few inputs may all end alike by chance. Ten times as many do not. */
const SEEDS_MAX = 10;

afterAll(async () => {
  for (const target of allTargets) await target.close?.();
});

/** `ZKL_SIM_SEED=<seed> npx vitest run tests/fuzz` plays a failure again; `npm run fuzz` looks longer. */
describe('hostile bytes', () => {
  it.each(allTargets.map((target) => [target.name, target] as const))(
    '%s: typed errors only, in bounded time and memory, and what is decoded means the same when it is encoded again',
    async (_, target) => {
      const seen = new Set<string>();
      for (let seed = base; seed < base + SEEDS_MAX && seen.size < 2; seed += 1) {
        const { finding, outcomes } = await fuzz(target, { seed, runs: target.runs ?? 600 });
        if (finding !== undefined) {
          const input = Buffer.from(finding.input).toString('hex');
          throw new Error(`seed ${seed}, the input ${input}`, { cause: finding.error });
        }
        for (const outcome of outcomes.keys()) seen.add(outcome);
      }
      // A target all of whose inputs are refused tests nothing.
      expect(seen.size).toBeGreaterThan(1);
    },
    60_000,
  );
});
