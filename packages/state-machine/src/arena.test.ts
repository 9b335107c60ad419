import { describe, expect, it } from 'vitest';
import { Arena, type ArenaRef } from './arena.js';
import { makeRandom } from './testing/random.js';

/** Records with content that can be told apart, held by owners 0, 1, 2, ... */
class Owners {
  readonly refs = new Map<number, ArenaRef>();
  readonly lengths = new Map<number, number>();
  moves = 0;
  readonly arena = new Arena((owner, to) => {
    this.refs.set(owner, to);
    this.moves++;
  });

  put(owner: number, length: number): void {
    const ref = this.arena.allocate(owner, length);
    this.refs.set(owner, ref);
    this.lengths.set(owner, length);
    const offset = this.arena.offset(ref);
    this.arena.slab(ref).bytes.fill(owner & 0xff, offset, offset + length);
  }

  drop(owner: number): void {
    this.arena.free(this.refs.get(owner)!);
    this.refs.delete(owner);
    this.lengths.delete(owner);
  }

  check(owner: number): boolean {
    const ref = this.refs.get(owner)!;
    const offset = this.arena.offset(ref);
    const length = this.lengths.get(owner)!;
    const content = this.arena.slab(ref).bytes.subarray(offset, offset + length);
    return offset % 8 === 0 && this.arena.capacity(ref) >= length && content.every((byte) => byte === (owner & 0xff));
  }
}

describe('the arena', () => {
  it('keeps what it is given through any churn, and compacts', () => {
    const owners = new Owners();
    const random = makeRandom(7);
    for (let i = 0; i < 100_000; i++) {
      const owner = random(10_000);
      if (owners.refs.has(owner)) owners.drop(owner);
      if (random(3) > 0) owners.put(owner, random(600));
    }
    expect([...owners.refs.keys()].every((owner) => owners.check(owner))).toBe(true);
    expect(owners.moves).toBeGreaterThan(0);
    expect(owners.arena.capacityBytes).toBeLessThan(owners.arena.liveBytes * 1.4 + 4_000_000);
  });

  it('gives memory back when most records are freed and a few in each slab remain', () => {
    const owners = new Owners();
    for (let owner = 0; owner < 60_000; owner++) owners.put(owner, 300);
    const full = owners.arena.capacityBytes;
    for (let owner = 0; owner < 60_000; owner++) if (owner % 50 !== 0) owners.drop(owner);
    expect(owners.arena.capacityBytes).toBeLessThan(full / 3);
    for (let owner = 0; owner < 60_000; owner += 50) expect(owners.check(owner)).toBe(true);
  });

  it('gives a large record a slab of its own, and gives that back at once', () => {
    const owners = new Owners();
    owners.put(1, 10);
    const before = owners.arena.capacityBytes;
    owners.put(2, 5_000_000);
    expect(owners.check(2)).toBe(true);
    expect(owners.arena.capacityBytes).toBeGreaterThan(before + 5_000_000);
    owners.drop(2);
    expect(owners.arena.capacityBytes).toBe(before);
    expect(owners.check(1)).toBe(true);
  });

  it('moves a few kilobytes at a time', () => {
    const owners = new Owners();
    for (let owner = 0; owner < 30_000; owner++) owners.put(owner, 250);
    let most = 0;
    for (let owner = 0; owner < 30_000; owner += 2) {
      const before = owners.moves;
      owners.drop(owner);
      most = Math.max(most, owners.moves - before);
    }
    expect(owners.moves).toBeGreaterThan(0);
    expect(most * 258).toBeLessThan(50_000);
  });
});
