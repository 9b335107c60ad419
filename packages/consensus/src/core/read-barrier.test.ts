import { describe, expect, it } from 'vitest';
import { ReadBarriers } from './read-barrier.js';

const zxid = (counter: number) => ({ epoch: 1, counter });

describe('ReadBarriers', () => {
  it('asks once for all that wait, at what is committed when it asks', () => {
    const barriers = new ReadBarriers();
    barriers.addLocal(1);
    barriers.addLocal(2);
    barriers.addRemote({ from: 3, attempt: 7, request: 1 });
    expect(barriers.openNext(zxid(4))).toBe(true);
    expect(barriers.openNext(zxid(5))).toBe(false);
    const passed = barriers.passed(() => 2, 2);
    expect(passed).toEqual([
      { number: 1, zxid: zxid(4), tickets: [1, 2], remote: [{ from: 3, attempt: 7, request: 1 }] },
    ]);
    expect(barriers.passed(() => 2, 2)).toEqual([]);
  });

  it('a read that comes after a question is not answered by its answers', () => {
    const barriers = new ReadBarriers();
    barriers.addLocal(1);
    barriers.openNext(zxid(1));
    barriers.addLocal(2);
    expect(barriers.passed(() => 3, 2).flatMap(({ tickets }) => tickets)).toEqual([1]);
    barriers.openNext(zxid(2));
    expect(barriers.passed((barrier) => (barrier <= 1 ? 3 : 1), 2)).toEqual([]);
    expect(barriers.passed(() => 2, 2).map((barrier) => barrier.zxid)).toEqual([zxid(2)]);
  });

  it('bounds the questions under way; what waits shares the next one', () => {
    const barriers = new ReadBarriers();
    let opened = 0;
    for (let ticket = 1; ticket <= 20; ticket++) {
      barriers.addLocal(ticket);
      if (barriers.openNext(zxid(1))) opened++;
    }
    expect(opened).toBe(4);
    expect(barriers.pending).toBe(true);
    expect(barriers.passed(() => 2, 2).length).toBe(4);
    expect(barriers.openNext(zxid(1))).toBe(true);
    expect(barriers.passed(() => 2, 2)[0]!.tickets.length).toBe(16);
  });

  it('gives back every local read that waits when the role ends', () => {
    const barriers = new ReadBarriers();
    barriers.addLocal(1);
    barriers.openNext(zxid(1));
    barriers.addLocal(2);
    expect(barriers.end()).toEqual([1, 2]);
    expect(barriers.end()).toEqual([]);
    expect(barriers.pending).toBe(false);
  });
});
