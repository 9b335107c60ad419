import { describe, expect, it } from 'vitest';
import type { Block } from './block.js';
import { Outbox } from './outbox.js';

function block(counter: number): Block {
  return {
    epoch: 1,
    leader: 1,
    firstCounter: counter,
    count: 1,
    prevEpoch: counter === 1 ? 0 : 1,
    prevCounter: counter - 1,
    committedEpoch: 0,
    committedCounter: 0,
    timeMs: 0,
    payload: new Uint8Array(0),
    record: undefined,
  };
}

describe('Outbox', () => {
  it('hands out nothing when nothing was asked for', () => {
    const outbox = new Outbox();
    expect(outbox.takePersist()).toBeUndefined();
    expect(outbox.takeSend()).toEqual([]);
    expect(outbox.takeLists()).toEqual({ assigned: [], refused: [], reads: [], readHistory: [], sendSnapshot: [] });
  });

  it('keeps what is to be released with the batch that has to be durable first', () => {
    const outbox = new Outbox();
    outbox.append(block(1));
    outbox.release(2, { kind: 'ack', attempt: 1, zxid: { epoch: 1, counter: 1 } });
    expect(outbox.takeSend()).toEqual([]);
    const batch = outbox.takePersist();
    expect(batch?.blocks.length).toBe(1);
    expect(batch?.release.map(({ to }) => to)).toEqual([2]);
    expect(outbox.takePersist()).toBeUndefined();
  });

  it('makes a batch of a release alone, so that it follows the batches before it', () => {
    const outbox = new Outbox();
    outbox.append(block(1));
    const first = outbox.takePersist()!;
    outbox.release(2, { kind: 'ack', attempt: 1, zxid: { epoch: 1, counter: 1 } });
    expect(outbox.takePersist()!.batch).toBe(first.batch + 1);
  });

  it('does not write what is cut off in the same turn', () => {
    const outbox = new Outbox();
    for (const counter of [1, 2, 3]) outbox.append(block(counter));
    outbox.truncateTo({ epoch: 1, counter: 2 });
    const batch = outbox.takePersist()!;
    expect(batch.blocks.map((each) => each.firstCounter)).toEqual([1, 2]);
    expect(batch.truncateTo).toBeUndefined();
  });

  it('cuts what is on disk when the cut lies before the blocks of the turn', () => {
    const outbox = new Outbox();
    outbox.append(block(5));
    outbox.truncateTo({ epoch: 1, counter: 3 });
    outbox.append(block(4));
    const batch = outbox.takePersist()!;
    expect(batch.truncateTo).toEqual({ epoch: 1, counter: 3 });
    expect(batch.blocks.map((each) => each.firstCounter)).toEqual([4]);
  });

  it('says which batch makes a hard state durable; the last one of a turn counts', () => {
    const outbox = new Outbox();
    const first = outbox.hardState({ acceptedEpoch: 1, currentEpoch: 0 }, false);
    const second = outbox.hardState({ acceptedEpoch: 1, currentEpoch: 1 }, true);
    expect(second).toBe(first);
    expect(outbox.takePersist()).toMatchObject({
      batch: first,
      hardState: { acceptedEpoch: 1, currentEpoch: 1 },
      repaired: true,
    });
  });

  it('hands out each request once, and never the list that it goes on to fill', () => {
    const outbox = new Outbox();
    outbox.refuse(1, 'noQuorum');
    const { refused } = outbox.takeLists();
    outbox.refuse(2, 'leaving');
    expect(refused).toEqual([{ ticket: 1, reason: 'noQuorum' }]);
    expect(outbox.takeLists().refused).toEqual([{ ticket: 2, reason: 'leaving' }]);
  });
});
