import { assert } from './assert.js';

/**
 * Where a record lies: slab number << 17 | offset in units of 8 bytes, as a uint32 kept in an int32. A reference changes when
 * compaction moves the record; its owner is told.
 */
export type ArenaRef = number;

const UNIT_BITS = 17;
const UNIT_MASK = (1 << UNIT_BITS) - 1;
const SLABS_MAX = 1 << (32 - UNIT_BITS);

const SLAB_BYTES = 1 << 20;
const FIRST_SLAB_BYTES = 1 << 14;
/** A record above this gets a slab of its own size. */
const SHARED_RECORD_BYTES_MAX = 1 << 18;
/** Emptied slabs kept for the next use. */
const SPARE_SLABS_MAX = 8;

/** Before each record: its owner, and its whole length in bytes, header included. */
const RECORD_HEADER_BYTES = 8;
const DEAD = -1;

/** Compaction begins when this share of all slabs is dead, and more than a few slabs. */
const DEAD_SHARE_MAX = 0.2;
const DEAD_BYTES_MIN = 2 * SLAB_BYTES;
/** Bytes compacted for each byte allocated or freed: enough to keep up at the share above. */
const COMPACTION_PACE = 5;
const COMPACTION_STEP_BYTES = 1 << 13;

export interface Slab {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** Bytes from the front that hold records, live and dead. */
  used: number;
  /** Bytes of them in live records. */
  live: number;
}

/**
 * Bytes off the heap: records are appended to slabs of 1 MiB and begin on 8 bytes. A freed record is dead space until its slab
 * is empty, or is compacted: its live records are copied to the newest slab, a few kilobytes for each write, so there
 * is no pause.
 */
export class Arena {
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #spares: Slab[] = [];
  readonly #onMove: (owner: number, to: ArenaRef) => void;
  #head = -1;
  #usedBytes = 0;
  #liveBytes = 0;
  #capacityBytes = 0;
  #victim = -1;
  #victimAt = 0;
  #owedBytes = 0;

  /** `onMove` is told where compaction has moved an owner's record to. */
  constructor(onMove: (owner: number, to: ArenaRef) => void) {
    this.#onMove = onMove;
  }

  /** Bytes in live records, their headers included. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Bytes of all slabs. */
  get capacityBytes(): number {
    return this.#capacityBytes;
  }

  slab(ref: ArenaRef): Slab {
    return this.#slabs[ref >>> UNIT_BITS]!;
  }

  /** The offset in the slab's bytes of a record's content; a multiple of 8. */
  offset(ref: ArenaRef): number {
    return ((ref & UNIT_MASK) << 3) + RECORD_HEADER_BYTES;
  }

  /** Bytes of content that a record has room for. */
  capacity(ref: ArenaRef): number {
    return this.slab(ref).words[((ref & UNIT_MASK) << 1) + 1]! - RECORD_HEADER_BYTES;
  }

  /** A word of a record. */
  glance(ref: ArenaRef): number {
    return this.slab(ref).words[this.offset(ref) >> 2]!;
  }

  /** A record with room for `contentBytes`; what it holds is undefined. Owners are 0 or greater. */
  allocate(owner: number, contentBytes: number): ArenaRef {
    const bytes = (contentBytes + RECORD_HEADER_BYTES + 7) & ~7;
    const ref = this.#place(owner, bytes);
    this.#owe(bytes);
    return ref;
  }

  free(ref: ArenaRef): void {
    const number = ref >>> UNIT_BITS;
    const slab = this.#slabs[number]!;
    const at = (ref & UNIT_MASK) << 1;
    const bytes = slab.words[at + 1]!;
    assert(slab.words[at] !== DEAD, 'a record was freed twice');
    slab.words[at] = DEAD;
    slab.live -= bytes;
    this.#liveBytes -= bytes;
    if (slab.live === 0) this.#emptied(number, slab);
    this.#owe(bytes);
  }

  #place(owner: number, bytes: number): ArenaRef {
    let number = this.#head;
    let slab = number < 0 ? undefined : this.#slabs[number];
    if (slab === undefined || slab.used + bytes > slab.bytes.length) {
      number = this.#open(bytes);
      slab = this.#slabs[number]!;
    }
    const offset = slab.used;
    slab.words[offset >> 2] = owner;
    slab.words[(offset >> 2) + 1] = bytes;
    slab.used += bytes;
    slab.live += bytes;
    this.#usedBytes += bytes;
    this.#liveBytes += bytes;
    return (number << UNIT_BITS) | (offset >> 3);
  }

  /** A slab with room for `bytes`: the new head, unless it is for one large record alone. */
  #open(bytes: number): number {
    const large = bytes > SHARED_RECORD_BYTES_MAX;
    const number = this.#freeNumbers.pop() ?? this.#slabs.length;
    assert(number < SLABS_MAX, 'the arena is full');
    // Small states stay small: slabs grow with what there is.
    const wanted = Math.min(SLAB_BYTES, Math.max(FIRST_SLAB_BYTES, this.#capacityBytes));
    const size = large ? bytes : Math.max(wanted, bytes);
    const spare = large ? undefined : this.#takeSpare(bytes);
    const slab = spare ?? makeSlab(size);
    this.#slabs[number] = slab;
    this.#capacityBytes += slab.bytes.length;
    if (!large) this.#head = number;
    return number;
  }

  #takeSpare(bytes: number): Slab | undefined {
    const spare = this.#spares.pop();
    return spare !== undefined && spare.bytes.length >= bytes ? spare : undefined;
  }

  #emptied(number: number, slab: Slab): void {
    if (number === this.#victim) this.#victim = -1;
    this.#usedBytes -= slab.used;
    slab.used = 0;
    if (number === this.#head) return;
    this.#slabs[number] = undefined;
    this.#freeNumbers.push(number);
    this.#capacityBytes -= slab.bytes.length;
    if (slab.bytes.length <= SLAB_BYTES && this.#spares.length < SPARE_SLABS_MAX) this.#spares.push(slab);
  }

  #owe(bytes: number): void {
    const dead = this.#usedBytes - this.#liveBytes;
    if (this.#victim < 0 && (dead < DEAD_BYTES_MIN || dead < this.#usedBytes * DEAD_SHARE_MAX)) return;
    this.#owedBytes += bytes * COMPACTION_PACE;
    if (this.#owedBytes < COMPACTION_STEP_BYTES) return;
    const budget = Math.min(this.#owedBytes, 4 * COMPACTION_STEP_BYTES);
    this.#owedBytes = 0;
    this.#compact(budget);
  }

  /** Copies live records out of the emptiest slab, going over about `budget` bytes of it. */
  #compact(budget: number): void {
    if (this.#victim < 0) this.#chooseVictim();
    if (this.#victim < 0) return;
    const number = this.#victim;
    const slab = this.#slabs[number]!;
    const stop = Math.min(slab.used, this.#victimAt + budget);
    while (this.#victimAt < stop) {
      const at = this.#victimAt;
      const owner = slab.words[at >> 2]!;
      const bytes = slab.words[(at >> 2) + 1]!;
      this.#victimAt += bytes;
      if (owner !== DEAD) this.#move(slab, at, owner, bytes);
    }
    if (slab.live === 0) this.#emptied(number, slab);
  }

  #move(from: Slab, at: number, owner: number, bytes: number): void {
    const ref = this.#place(owner, bytes);
    const to = this.slab(ref);
    const start = (at + RECORD_HEADER_BYTES) >> 2;
    to.words.set(from.words.subarray(start, (at + bytes) >> 2), this.offset(ref) >> 2);
    from.words[at >> 2] = DEAD;
    from.live -= bytes;
    this.#liveBytes -= bytes;
    this.#onMove(owner, ref);
  }

  #chooseVictim(): void {
    let least = 1 - DEAD_SHARE_MAX / 2;
    for (let number = 0; number < this.#slabs.length; number++) {
      const slab = this.#slabs[number];
      if (slab === undefined || number === this.#head) continue;
      const share = slab.live / slab.used;
      if (share >= least) continue;
      least = share;
      this.#victim = number;
    }
    this.#victimAt = 0;
  }
}

function makeSlab(size: number): Slab {
  const buffer = new ArrayBuffer(size);
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer), used: 0, live: 0 };
}
