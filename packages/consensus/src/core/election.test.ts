import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVotes, countsFor } from './election.js';
import type { Vote } from './messages.js';

const vote = fc.record({
  leader: fc.integer({ min: 0, max: 4 }),
  epoch: fc.nat(3),
  zxid: fc.record({ epoch: fc.nat(3), counter: fc.nat(3) }),
});

const of = (leader: number, epoch: number, zxidEpoch: number, counter: number): Vote => ({
  leader,
  epoch,
  zxid: { epoch: zxidEpoch, counter },
});

describe('compareVotes', () => {
  it('prefers the later epoch, then the longer log, then the greater id', () => {
    const ascending = [of(0, 9, 9, 9), of(3, 1, 1, 9), of(1, 2, 1, 1), of(1, 2, 1, 2), of(1, 2, 2, 1), of(2, 2, 2, 1)];
    for (let i = 1; i < ascending.length; i++)
      expect(compareVotes(ascending[i]!, ascending[i - 1]!)).toBeGreaterThan(0);
  });

  it('is a total order', () => {
    fc.assert(
      fc.property(vote, vote, vote, (a, b, c) => {
        expect(Math.sign(compareVotes(a, b))).toBe(-Math.sign(compareVotes(b, a)) + 0);
        if (compareVotes(a, b) >= 0 && compareVotes(b, c) >= 0) expect(compareVotes(a, c)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('countsFor', () => {
  it('a fresh server counts only where nobody has a history, a damaged one nowhere', () => {
    expect([countsFor('voter', 0), countsFor('voter', 5)]).toEqual([true, true]);
    expect([countsFor('fresh', 0), countsFor('fresh', 5)]).toEqual([true, false]);
    expect([countsFor('damaged', 0), countsFor('damaged', 5)]).toEqual([false, false]);
  });
});
