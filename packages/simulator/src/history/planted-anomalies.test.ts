import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { checkHistory } from './check-history.js';
import { PLANTED_ANOMALIES } from './testing/planted-anomalies.js';
import { validHistory } from './testing/valid-history.js';

const SEEDS = 24;
const FOUND_MIN = 3;

const valid = Array.from({ length: SEEDS }, (_, index) => validHistory({ seed: index + 1 }));

describe('the checkers notice that', () => {
  it.each(PLANTED_ANOMALIES)('$name: $property', ({ property, bySearch, plant }) => {
    let planted = 0;
    for (let seed = 1; seed <= SEEDS && planted < FOUND_MIN; seed++) {
      const history = plant(valid[seed - 1]!, new Random(seed, 78));
      if (history === undefined) continue;
      planted++;
      const found = checkHistory(history, { searchWorkMax: bySearch ? 2_000_000 : 0 }).faults.map(
        (fault) => fault.property,
      );
      expect(found, `seed ${seed}`).toContain(property);
      if (bySearch) expect(found, `seed ${seed}`).toContain('linearizable');
    }
    expect(planted).toBeGreaterThan(0);
  });
});
