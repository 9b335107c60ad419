import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Durations } from './durations.js';

test('percentiles are those of the sorted list, at most 2 % above, and never above the longest', () => {
  const lists = fc.array(fc.double({ min: 0.001, max: 3_600_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(lists, fc.double({ min: 0, max: 1, noNaN: true }), (list, part) => {
      const durations = new Durations();
      for (const ms of list) durations.add(ms);
      const sorted = [...list].sort((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] as number;
      expect(durations.percentileMs(part)).toBeGreaterThanOrEqual(exact * 0.999_999);
      expect(durations.percentileMs(part)).toBeLessThanOrEqual(Math.max(exact * 1.021, 0.001));
      expect(durations.percentileMs(1)).toBe(durations.maxMs);
      expect([durations.count, durations.maxMs]).toEqual([list.length, sorted.at(-1)]);
    }),
  );
});

test('nothing has no percentiles, and what lasts beyond the last bucket is counted', () => {
  const durations = new Durations();
  expect(durations.percentileMs(0.99)).toBe(0);
  durations.add(1e12);
  durations.add(0);
  expect([durations.count, durations.maxMs]).toEqual([2, 1e12]);
});
