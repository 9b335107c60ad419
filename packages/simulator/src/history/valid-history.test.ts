import { expect, it } from 'vitest';
import { checkHistory } from './check-history.js';
import { formatHistory, parseHistory } from './json-lines.js';
import { validHistory } from './testing/valid-history.js';

it.each([0, 10])(
  'finds nothing in histories of a perfect cluster, with %i percent of writes without an answer',
  (unknownPercent) => {
    let undecided = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const history = validHistory({ seed, unknownPercent });
      const { faults, replayUndecided, searchUndecided } = checkHistory(parseHistory(formatHistory(history)), {
        searchWorkMax: 300_000,
      });
      expect(faults, `seed ${seed}`).toEqual([]);
      undecided += replayUndecided;
      if (unknownPercent === 0) expect(searchUndecided, `seed ${seed}`).toBe(0);
    }
    expect(undecided).toBeLessThan(unknownPercent === 0 ? 1 : 20);
  },
);
