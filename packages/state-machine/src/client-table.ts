import { nameHash } from '@zkl/wire';
import { Arena } from './arena.js';
import { finish, WordHasher } from './hash.js';
import { copyBytes } from './node-table.js';
import { Rows } from './rows.js';
import { NO_SLOT, SlotIndex } from './slot-index.js';

/** Fields of a client's row. Links are slots + 1; 0 for none. */
const REF = 0;
const HASH = 1;
/** Bytes of the id; 0 in a free row. */
export const ID_LENGTH = 2;
export const ID_A = 3;
export const ID_B = 4;
/** The order of last writes, oldest first. */
const OLDER = 5;
const NEWER = 6;
/** Kept replies: how many, and the ends of their list in the order of request ids. */
export const KEPT = 7;
export const FIRST = 8;
export const LAST = 9;
/** From here on a part of the digest. */
export const ANSWERED_LOW = 10;
export const ANSWERED_HIGH = 11;
/** The last write of the client: its time and its zxid. */
export const SEEN_LOW = 12;
export const SEEN_HIGH = 13;
export const SEEN_EPOCH = 14;
export const SEEN_COUNTER = 15;
/** The last snapshot that has this client's image. */
export const SAVED = 16;
/** What the client's row adds to the digest. */
const DIGEST_A = 17;
const DIGEST_B = 18;
const STRIDE = 19;
const DIGEST_WORDS = 6;

/** The clients that are remembered: their ids, their rows, and the order in which they wrote last. */
export class ClientTable {
  readonly rows = new Rows(STRIDE);
  readonly #arena = new Arena((slot, ref) => this.rows.set(slot, REF, ref));
  readonly #index = new SlotIndex();
  readonly #hasher = new WordHasher();
  readonly #seed: number;
  /** Slots + 1. */
  #oldest = 0;
  #newest = 0;
  /** The client that was found last: nearly always the one that is looked for next. */
  #found = NO_SLOT;
  /** The client whose row has changed since it was taken into the digest; all others are in it as they are. */
  #changed = NO_SLOT;
  #digestA = 0;
  #digestB = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get count(): number {
    return this.rows.count;
  }

  /** The client that wrote longest ago, or NO_SLOT. */
  get oldest(): number {
    return this.#oldest - 1;
  }

  /** The sum of the digests of all clients. */
  get digestA(): number {
    this.#digestChanged();
    return this.#digestA;
  }

  get digestB(): number {
    this.#digestChanged();
    return this.#digestB;
  }

  isLive(slot: number): boolean {
    return this.rows.get(slot, ID_LENGTH) !== 0;
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    // One that is gone has no id, and one that took its place has another.
    if (this.#found !== NO_SLOT && this.#hasId(this.#found, bytes, start, end)) return this.#found;
    const hash = finish(nameHash(bytes, start, end, this.#seed));
    for (let slot = this.#index.first(hash); slot !== NO_SLOT; slot = this.#index.next()) {
      if (!this.#hasId(slot, bytes, start, end)) continue;
      this.#found = slot;
      return slot;
    }
    return NO_SLOT;
  }

  #hasId(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    if (row[at + ID_LENGTH] !== end - start) return false;
    const own = this.#arena.slab(row[at + REF]!).bytes;
    const offset = this.#arena.offset(row[at + REF]!);
    for (let i = 0; i < end - start; i++) {
      if (own[offset + i] !== bytes[start + i]) return false;
    }
    return true;
  }

  idBytes(slot: number): Uint8Array {
    return this.#arena.slab(this.rows.get(slot, REF)).bytes;
  }

  idOffset(slot: number): number {
    return this.#arena.offset(this.rows.get(slot, REF));
  }

  /** A row for a new client: no replies, not yet in the order or the digest. */
  allocate(): number {
    return this.rows.allocate();
  }

  /** Gives a new row its id. */
  name(slot: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const words = (length + 3) >> 2;
    const ref = this.#arena.allocate(slot, words << 2);
    this.rows.set(slot, REF, ref);
    const slab = this.#arena.slab(ref);
    const offset = this.#arena.offset(ref);
    slab.words[(offset >> 2) + words - 1] = 0;
    copyBytes(bytes, start, length, slab.bytes, offset);
    this.#hasher.hash(slab.words, offset >> 2, words, length, 0, 0);
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    row.fill(0, at + HASH, at + SAVED);
    row[at + DIGEST_A] = row[at + DIGEST_B] = 0;
    row[at + ID_LENGTH] = length;
    row[at + ID_A] = this.#hasher.a;
    row[at + ID_B] = this.#hasher.b;
    row[at + HASH] = finish(nameHash(bytes, start, end, this.#seed));
    this.#index.add(row[at + HASH]!, slot);
  }

  /** Forgets a client whose replies are gone. */
  free(slot: number): void {
    this.#index.remove(this.rows.get(slot, HASH), slot);
    this.#replaceDigest(this.rows.chunk(slot), this.rows.at(slot), 0, 0);
    if (this.#changed === slot) this.#changed = NO_SLOT;
    this.#unlink(slot);
    this.rows.set(slot, ID_LENGTH, 0);
    this.#arena.free(this.rows.get(slot, REF));
    this.rows.free(slot);
  }

  /** Makes a client the newest. */
  touch(slot: number): void {
    if (this.#newest === slot + 1) return;
    this.#unlink(slot);
    this.rows.set(slot, OLDER, this.#newest);
    this.rows.set(slot, NEWER, 0);
    if (this.#newest === 0) this.#oldest = slot + 1;
    else this.rows.set(this.#newest - 1, NEWER, slot + 1);
    this.#newest = slot + 1;
  }

  /** Takes a client out of the order; one that is in no order yet has no links, and stays as it is. */
  #unlink(slot: number): void {
    const older = this.rows.get(slot, OLDER);
    const newer = this.rows.get(slot, NEWER);
    if (older !== 0) this.rows.set(older - 1, NEWER, newer);
    else if (this.#oldest === slot + 1) this.#oldest = newer;
    if (newer !== 0) this.rows.set(newer - 1, OLDER, older);
    else if (this.#newest === slot + 1) this.#newest = older;
  }

  /** A client's row has changed. It is taken into the digest, in place of what it was before, once another's has too or somebody asks. */
  noteChange(slot: number): void {
    if (this.#changed === slot) return;
    this.#digestChanged();
    this.#changed = slot;
  }

  #digestChanged(): void {
    const slot = this.#changed;
    if (slot === NO_SLOT) return;
    this.#changed = NO_SLOT;
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    this.#hasher.hash(row, at + ANSWERED_LOW, DIGEST_WORDS, ANSWERED_LOW, row[at + ID_A]!, row[at + ID_B]!);
    this.#replaceDigest(row, at, this.#hasher.a, this.#hasher.b);
  }

  #replaceDigest(row: Int32Array, at: number, a: number, b: number): void {
    this.#digestA = (this.#digestA + a - row[at + DIGEST_A]!) | 0;
    this.#digestB = (this.#digestB + b - row[at + DIGEST_B]!) | 0;
    row[at + DIGEST_A] = a;
    row[at + DIGEST_B] = b;
  }

  /** After restoring: puts all clients in the order of their last writes. */
  restoreOrder(): void {
    const slots: number[] = [];
    for (let slot = 0; slot < this.rows.end; slot++) if (this.isLive(slot)) slots.push(slot);
    slots.sort(
      (x, y) =>
        this.#lastWrite(x, SEEN_EPOCH) - this.#lastWrite(y, SEEN_EPOCH) ||
        this.#lastWrite(x, SEEN_COUNTER) - this.#lastWrite(y, SEEN_COUNTER),
    );
    for (const slot of slots) this.touch(slot);
  }

  #lastWrite(slot: number, field: number): number {
    return this.rows.get(slot, field) >>> 0;
  }
}
