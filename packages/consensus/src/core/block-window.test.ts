import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsensusFault } from './assert.js';
import { endOf, endsAfter, weightOf, type Block } from './block.js';
import { BlockWindow } from './block-window.js';
import { compareZxid, sameZxid, ZXID_ZERO, type Zxid } from './zxid.js';

function blockAfter(prev: Zxid, count = 1, epoch = Math.max(1, prev.epoch), bytes = 0): Block {
  return {
    epoch,
    leader: 1,
    firstCounter: epoch === prev.epoch ? prev.counter + 1 : 1,
    count,
    prevEpoch: prev.epoch,
    prevCounter: prev.counter,
    committedEpoch: 0,
    committedCounter: 0,
    timeMs: 0,
    payload: new Uint8Array(bytes),
    record: undefined,
  };
}

function filled(...counts: number[]): { window: BlockWindow; blocks: Block[] } {
  const window = new BlockWindow(ZXID_ZERO);
  const blocks = counts.map((count) => {
    const block = blockAfter(window.last, count);
    window.append(block);
    return block;
  });
  return { window, blocks };
}

describe('BlockWindow', () => {
  it('refuses a block that leaves a gap, goes back, or names another predecessor', () => {
    const { window } = filled(2, 1);
    expect(() => window.append(blockAfter({ epoch: 1, counter: 2 }))).toThrow(ConsensusFault);
    expect(() => window.append(blockAfter({ epoch: 1, counter: 4 }))).toThrow(ConsensusFault);
    expect(() => window.append({ ...blockAfter(window.last), firstCounter: 5 })).toThrow(ConsensusFault);
    expect(() => window.append({ ...blockAfter(window.last), epoch: 2, firstCounter: 2 })).toThrow(ConsensusFault);
    expect(window.last).toEqual({ epoch: 1, counter: 3 });
  });

  it('tells where histories part: the last block end before a zxid that is none', () => {
    const { window } = filled(2, 3, 1);
    expect(window.read({ epoch: 1, counter: 4 }, 1 << 20)).toEqual({ kind: 'diverged', at: { epoch: 1, counter: 2 } });
    expect(window.read({ epoch: 9, counter: 1 }, 1 << 20)).toEqual({ kind: 'diverged', at: { epoch: 1, counter: 6 } });
  });

  it('reads at least one block, however large', () => {
    const { window, blocks } = filled(1, 1, 1);
    expect(window.read(ZXID_ZERO, 1)).toEqual({ kind: 'blocks', blocks: blocks.slice(0, 1) });
  });

  it('forgets only what it may, and says so', () => {
    const { window } = filled(1, 1, 1, 1);
    window.evict({ epoch: 1, counter: 2 }, 0);
    expect(window.base).toEqual({ epoch: 1, counter: 2 });
    expect(window.read(ZXID_ZERO, 1 << 20).kind).toBe('gone');
    expect(window.read(window.base, 1 << 20).kind).toBe('blocks');
  });

  it('is cut only where a block ends; a cut before what it holds leaves nothing in memory', () => {
    const { window } = filled(2, 2);
    expect(() => window.truncateTo({ epoch: 1, counter: 3 })).toThrow(ConsensusFault);
    const other = filled(1, 1, 1).window;
    other.evict({ epoch: 1, counter: 2 }, 0);
    other.truncateTo({ epoch: 1, counter: 1 });
    expect([other.base, other.last]).toEqual([
      { epoch: 1, counter: 1 },
      { epoch: 1, counter: 1 },
    ]);
  });

  it('does what a plain list does, for any row of appends, cuts and evictions', () => {
    const operation = fc.oneof(
      fc.record({
        kind: fc.constant('append' as const),
        count: fc.integer({ min: 1, max: 3 }),
        newEpoch: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant('evict' as const), at: fc.nat(20), keep: fc.nat(1_000) }),
      fc.record({ kind: fc.constant('read' as const), at: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const window = new BlockWindow(ZXID_ZERO);
        const list: Block[] = [];
        const ends = (): Zxid[] => [ZXID_ZERO, ...list.map(endOf)];
        for (const each of operations) {
          if (each.kind === 'append') {
            const epoch = Math.max(1, window.last.epoch) + (each.newEpoch ? 1 : 0);
            const block = blockAfter(window.last, each.count, epoch);
            window.append(block);
            list.push(block);
          } else if (each.kind === 'cut') {
            const at = ends()[each.at % ends().length]!;
            window.truncateTo(at);
            while (list.length > 0 && endsAfter(list[list.length - 1]!, at)) list.pop();
          } else if (each.kind === 'evict') {
            window.evict(ends()[each.at % ends().length]!, each.keep);
          } else {
            const at = ends()[each.at % ends().length]!;
            const found = window.read(at, 1 << 20);
            if (compareZxid(at, window.base) < 0) expect(found.kind).toBe('gone');
            else expect(found).toEqual({ kind: 'blocks', blocks: list.filter((block) => endsAfter(block, at)) });
          }
          expect(sameZxid(window.last, ends()[list.length]!)).toBe(true);
          const held = list.filter((block) => endsAfter(block, window.base));
          expect(window.bytesAfter(window.base)).toBe(held.reduce((sum, block) => sum + weightOf(block), 0));
        }
      }),
    );
  });
});
