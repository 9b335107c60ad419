import type { Block } from '@zkl/consensus';
import { describe, expect, it } from 'vitest';
import { DigestRing } from './digest-ring.js';

function block(firstCounter: number, count: number, epoch = 1): Block {
  return {
    epoch,
    leader: 1,
    firstCounter,
    count,
    prevEpoch: 0,
    prevCounter: 0,
    committedEpoch: 0,
    committedCounter: 0,
    timeMs: 0,
    payload: new Uint8Array(),
    record: undefined,
  };
}

/** A ring that has seen blocks of `size` writes, from and up to these counters. */
function ringOf(size: number, from: number, to: number): DigestRing {
  const ring = new DigestRing();
  for (let counter = from; counter <= to; counter += size)
    ring.onApplied(block(counter, size), () => `d${counter + size - 1}`);
  return ring;
}

describe('DigestRing', () => {
  it('keeps the last blocks, and sparser ones before them, the newest last and each once', () => {
    const counters = ringOf(1, 1, 200_000).points.map((point) => point.zxid.counter);
    expect(counters.slice(-3)).toEqual([199_998, 199_999, 200_000]);
    expect(counters).toContain(199_936);
    expect(counters).toContain(65_536);
    expect(counters).toEqual([...new Set(counters)].sort((a, b) => a - b));
    expect(counters.length).toBeLessThanOrEqual(48);
  });

  it.each([1, 7, 300])('lets servers that lag find a common point, with blocks of %i writes', (size) => {
    const ahead = ringOf(size, 1, 60_000).points;
    for (const lag of [5, 500, 3_000]) {
      const behind = new Set(ringOf(size, 1, 60_000 - lag).points.map((point) => point.zxid.counter));
      expect(ahead.some((point) => behind.has(point.zxid.counter))).toBe(true);
    }
  });

  it('notes the same places when it begins in the middle, as after a snapshot', () => {
    const whole = ringOf(7, 1, 60_000).points.map((point) => point.zxid.counter);
    const late = ringOf(7, 1 + 7 * 5_000, 60_000).points.map((point) => point.zxid.counter);
    expect(whole.filter((counter) => counter > 7 * 5_000)).toEqual(late);
  });

  it('asks for a digest once a block', () => {
    let asked = 0;
    new DigestRing().onApplied(block(1, 70_000), () => `${++asked}`);
    expect(asked).toBe(1);
  });
});
