import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_SLOT, SlotIndex } from './slot-index.js';

function slotsOf(index: SlotIndex, hash: number): number[] {
  const slots: number[] = [];
  for (let slot = index.first(hash); slot !== NO_SLOT; slot = index.next()) slots.push(slot);
  return slots.sort((a, b) => a - b);
}

describe('the index', () => {
  it('finds what was added and not removed, with few hashes that collide', () => {
    // In one shard, with homes that run into each other and go round its end.
    const hashes = fc.constantFrom(0, 1, 2, 6, 7, 8, 15, 16, 31);
    fc.assert(
      fc.property(fc.array(fc.tuple(hashes, fc.integer({ min: 0, max: 60 })), { maxLength: 200 }), (operations) => {
        const index = new SlotIndex();
        const model = new Map<number, number>();
        for (const [hash, slot] of operations) {
          const filed = model.get(slot);
          if (filed === undefined) {
            index.add(hash, slot);
            model.set(slot, hash);
          } else {
            index.remove(filed, slot);
            model.delete(slot);
          }
          const expected = [...model].filter(([, other]) => other === hash).map(([other]) => other);
          expect(slotsOf(index, hash)).toEqual(expected.sort((a, b) => a - b));
        }
        for (const [slot, hash] of model) expect(slotsOf(index, hash)).toContain(slot);
      }),
    );
  });

  it('grows and shrinks through a hundred thousand entries', () => {
    const index = new SlotIndex();
    const hashOf = (slot: number): number => Math.imul(slot + 1, 0x9e3779b1);
    for (let slot = 0; slot < 100_000; slot++) index.add(hashOf(slot), slot);
    for (let slot = 0; slot < 100_000; slot += 2) index.remove(hashOf(slot), slot);
    const wrong: number[] = [];
    for (let slot = 0; slot < 100_000; slot++) {
      if (index.first(hashOf(slot)) !== (slot % 2 === 0 ? NO_SLOT : slot)) wrong.push(slot);
    }
    expect(wrong).toEqual([]);
  });
});
