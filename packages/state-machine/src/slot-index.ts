/** What `first` and `next` answer when no more slots have the hash. */
export const NO_SLOT = -1;

const SHARD_BITS = 8;
const SHARDS = 1 << SHARD_BITS;
const FIRST_CAPACITY = 8;

/**
 * Finds slots by a 32-bit hash of their key; the caller compares the keys. Open addressing with linear probing, an entry is the
 * hash and the slot + 1. It is cut into shards by the hash's top bits, each of which grows by itself: with a million entries a
 * growth moves four thousand, where one table would stop the world for all.
 */
export class SlotIndex {
  readonly #shards: (Int32Array | undefined)[] = new Array<Int32Array | undefined>(SHARDS).fill(undefined);
  readonly #counts = new Int32Array(SHARDS);
  #probeShard: Int32Array | undefined;
  #probeHash = 0;
  #probeAt = 0;

  /** The first slot filed under `hash`; `next` gives the others. The order means nothing. */
  first(hash: number): number {
    const shard = this.#shards[hash >>> (32 - SHARD_BITS)];
    if (shard === undefined) return NO_SLOT;
    this.#probeShard = shard;
    this.#probeHash = hash;
    this.#probeAt = (hash << 1) & (shard.length - 1);
    return this.next();
  }

  next(): number {
    const shard = this.#probeShard!;
    const hash = this.#probeHash;
    const mask = shard.length - 1;
    let at = this.#probeAt;
    for (;;) {
      const entry = shard[at + 1]!;
      if (entry === 0) return NO_SLOT;
      const found = shard[at] === hash;
      at = (at + 2) & mask;
      if (found) {
        this.#probeAt = at;
        return entry - 1;
      }
    }
  }

  /** A slot that is perhaps filed under `hash`, or NO_SLOT: what stands first where it would be. */
  glance(hash: number): number {
    const shard = this.#shards[hash >>> (32 - SHARD_BITS)];
    return shard === undefined ? NO_SLOT : shard[((hash << 1) & (shard.length - 1)) + 1]! - 1;
  }

  /** Files a slot that is not there yet. */
  add(hash: number, slot: number): void {
    const number = hash >>> (32 - SHARD_BITS);
    let shard = this.#shards[number];
    if (shard === undefined) {
      shard = new Int32Array(FIRST_CAPACITY * 2);
      this.#shards[number] = shard;
    }
    const count = this.#counts[number]! + 1;
    this.#counts[number] = count;
    // Grows at three quarters.
    if (count * 8 > shard.length * 3) {
      shard = grown(shard);
      this.#shards[number] = shard;
    }
    place(shard, hash, slot + 1);
  }

  /** Removes a slot that is there. Later entries of the run move up, so that no tombstones remain. */
  remove(hash: number, slot: number): void {
    const number = hash >>> (32 - SHARD_BITS);
    const shard = this.#shards[number]!;
    const mask = shard.length - 1;
    let hole = (hash << 1) & mask;
    while (shard[hole + 1] !== slot + 1) hole = (hole + 2) & mask;
    for (let at = (hole + 2) & mask; shard[at + 1] !== 0; at = (at + 2) & mask) {
      const home = (shard[at]! << 1) & mask;
      // An entry may move into the hole unless its home lies after the hole, going round.
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        shard[hole] = shard[at]!;
        shard[hole + 1] = shard[at + 1]!;
        hole = at;
      }
    }
    shard[hole] = 0;
    shard[hole + 1] = 0;
    this.#counts[number] = this.#counts[number]! - 1;
  }
}

function place(shard: Int32Array, hash: number, entry: number): void {
  const mask = shard.length - 1;
  let at = (hash << 1) & mask;
  while (shard[at + 1] !== 0) at = (at + 2) & mask;
  shard[at] = hash;
  shard[at + 1] = entry;
}

function grown(shard: Int32Array): Int32Array {
  const larger = new Int32Array(shard.length * 2);
  for (let at = 0; at < shard.length; at += 2) {
    if (shard[at + 1] !== 0) place(larger, shard[at]!, shard[at + 1]!);
  }
  return larger;
}
