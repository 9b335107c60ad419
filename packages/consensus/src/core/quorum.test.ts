import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsensusFault } from './assert.js';
import { Voters } from './quorum.js';

describe('Voters', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [7, 4],
    [9, 5],
  ])('%i of them make a quorum with %i', (size, quorum) => {
    expect(new Voters(Array.from({ length: size }, (_, index) => index + 1)).quorum).toBe(quorum);
  });

  it('any two quorums have a member in common, and the others of one do not suffice without it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 9 }), (ids) => {
        const { quorum } = new Voters(ids);
        expect(2 * quorum).toBeGreaterThan(ids.length);
        expect(2 * (quorum - 1)).toBeLessThanOrEqual(ids.length);
      }),
    );
  });

  it('knows its members, in order, and refuses none, doubles and ids out of range', () => {
    const voters = new Voters([3, 1, 2]);
    expect(voters.ids).toEqual([1, 2, 3]);
    expect(voters.others(2)).toEqual([1, 3]);
    expect(voters.has(4)).toBe(false);
    for (const ids of [[], [1, 1], [0], [65_536], [1.5]]) expect(() => new Voters(ids)).toThrow(ConsensusFault);
  });
});
