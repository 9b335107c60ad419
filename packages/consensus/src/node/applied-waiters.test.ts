import { describe, expect, it } from 'vitest';
import { AppliedWaiters } from './applied-waiters.js';

const at = (counter: number) => ({ epoch: 1, counter });

describe('AppliedWaiters', () => {
  it('calls those whose zxid is applied, in the order of zxids, equal ones in the order they came', () => {
    const waiters = new AppliedWaiters();
    const called: string[] = [];
    for (const [zxid, name] of [
      [3, 'c'],
      [1, 'a'],
      [2, 'b1'],
      [2, 'b2'],
    ] as const) {
      waiters.add(at(zxid), () => called.push(name));
    }
    waiters.onApplied(at(2));
    expect(called).toEqual(['a', 'b1', 'b2']);
    waiters.onApplied({ epoch: 2, counter: 1 });
    expect(called).toEqual(['a', 'b1', 'b2', 'c']);
    expect(waiters.size).toBe(0);
  });

  it('does not call what was cancelled, even by a callback of the same step', () => {
    const waiters = new AppliedWaiters();
    const called: string[] = [];
    let cancelSecond = (): void => undefined;
    waiters.add(at(1), () => {
      called.push('first');
      cancelSecond();
    });
    cancelSecond = waiters.add(at(1), () => called.push('second'));
    waiters.add(at(5), () => called.push('later'))();
    waiters.onApplied(at(9));
    expect(called).toEqual(['first']);
  });
});
