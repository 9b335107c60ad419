import { describe, expect, it } from 'vitest';
import type { Block } from '../core/block.js';
import { PendingWrites, type ProposalOutcome } from './pending-writes.js';

const block = (epoch: number, firstCounter: number, count: number) => ({ epoch, firstCounter, count }) as Block;

function collect(): { outcomes: ProposalOutcome<string>[]; done: (outcome: ProposalOutcome<string>) => void } {
  const outcomes: ProposalOutcome<string>[] = [];
  return { outcomes, done: (outcome) => outcomes.push(outcome) };
}

describe('PendingWrites', () => {
  it('gives each write of a block its own result, and no result of a block of somebody else', () => {
    const pending = new PendingWrites<string>();
    const { outcomes, done } = collect();
    pending.assign(pending.add([done, done], 10), block(1, 5, 2));
    expect([block(1, 3, 2), block(2, 5, 2), block(1, 5, 2)].map((one) => pending.awaits(one))).toEqual([
      false,
      false,
      true,
    ]);
    pending.settle(block(1, 3, 2), ['x', 'y']);
    expect(outcomes).toEqual([]);
    pending.settle(block(1, 5, 2), ['a', 'b']);
    expect(outcomes).toEqual([
      { kind: 'applied', result: 'a' },
      { kind: 'applied', result: 'b' },
    ]);
    expect([pending.bytes, pending.count]).toEqual([0, 0]);
    expect(pending.awaits(block(1, 5, 2))).toBe(false);
  });

  it('ends what was in the log as unknown when the role ends, once', () => {
    const pending = new PendingWrites<string>();
    const { outcomes, done } = collect();
    pending.assign(pending.add([done], 10), block(1, 1, 1));
    pending.add([done], 10);
    pending.abandon();
    pending.settle(block(1, 1, 1), ['late']);
    expect(outcomes).toEqual([{ kind: 'unknown' }, { kind: 'unknown' }]);
    expect([pending.bytes, pending.count]).toEqual([0, 0]);
  });

  it('tells why a batch was refused, and lets the next one be answered', () => {
    const pending = new PendingWrites<string>();
    const { outcomes, done } = collect();
    pending.refuse(pending.add([done], 10), 'noQuorum');
    pending.assign(pending.add([done], 10), block(2, 1, 1));
    pending.settle(block(2, 1, 1), ['a']);
    expect(outcomes).toEqual([
      { kind: 'refused', reason: 'noQuorum' },
      { kind: 'applied', result: 'a' },
    ]);
  });
});
