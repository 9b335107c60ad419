import { SECRET_HASH_BYTES } from '@zkl/wire';
import { finish, WordHasher } from './hash.js';
import { Rows } from './rows.js';
import { NO_SLOT, SlotIndex } from './slot-index.js';

/** Fields of a session's row. */
const EPOCH = 1;
/** 0 in a free row. */
const COUNTER = 2;
/** Its ephemerals: the first as a slot + 1 of the extra table, and how many. */
const FIRST = 3;
const COUNT = 4;
/** From here on a part of the digest. */
const TIMEOUT = 5;
const SECRET = 6;
const SECRET_WORDS = SECRET_HASH_BYTES >> 2;
/** The last snapshot that has this session's image. */
export const SAVED = SECRET + SECRET_WORDS;
const STRIDE = SAVED + 1;
/** What a snapshot has of a session: the timeout and the hash of the secret. */
export const SESSION_WORDS = 1 + SECRET_WORDS;
const SESSION_TAG = 103;

/** The sessions that are open, by the zxid that made them. */
export class SessionTable {
  readonly rows = new Rows(STRIDE);
  /** The sum of the digests of all sessions. */
  digestA = 0;
  digestB = 0;
  readonly #index = new SlotIndex();
  readonly #hasher = new WordHasher();
  #beforeChange: ((slot: number) => void) | undefined;

  get count(): number {
    return this.rows.count;
  }

  /** Sets or ends what is called before a session is added or removed. */
  observe(beforeChange: ((slot: number) => void) | undefined): void {
    this.#beforeChange = beforeChange;
  }

  isLive(slot: number): boolean {
    return this.rows.get(slot, COUNTER) !== 0;
  }

  /** The slot of a session, or NO_SLOT. */
  find(epoch: number, counter: number): number {
    for (let slot = this.#index.first(hashOf(epoch, counter)); slot !== NO_SLOT; slot = this.#index.next()) {
      if (this.epoch(slot) === epoch && this.counter(slot) === counter) return slot;
    }
    return NO_SLOT;
  }

  /** Opens a session that is not there; `word` gives its timeout and then the words of its secret's hash. */
  add(epoch: number, counter: number, word: (index: number) => number): void {
    const slot = this.rows.allocate();
    this.#beforeChange?.(slot);
    this.rows.set(slot, EPOCH, epoch);
    this.rows.set(slot, COUNTER, counter);
    this.rows.set(slot, FIRST, 0);
    this.rows.set(slot, COUNT, 0);
    for (let i = 0; i < SESSION_WORDS; i++) this.rows.set(slot, TIMEOUT + i, word(i));
    this.#index.add(hashOf(epoch, counter), slot);
    this.#digest(slot, 1);
  }

  /** Ends a session whose ephemerals are gone. */
  remove(slot: number): void {
    this.#beforeChange?.(slot);
    this.#digest(slot, -1);
    this.#index.remove(hashOf(this.epoch(slot), this.counter(slot)), slot);
    this.rows.set(slot, COUNTER, 0);
    this.rows.free(slot);
  }

  epoch(slot: number): number {
    return this.rows.get(slot, EPOCH) >>> 0;
  }

  counter(slot: number): number {
    return this.rows.get(slot, COUNTER) >>> 0;
  }

  timeoutMs(slot: number): number {
    return this.rows.get(slot, TIMEOUT);
  }

  /** What a snapshot keeps: see SESSION_WORDS. */
  word(slot: number, index: number): number {
    return this.rows.get(slot, TIMEOUT + index);
  }

  /** A copy of the hash of its secret. */
  secretHash(slot: number): Uint8Array {
    const bytes = new Uint8Array(SECRET_HASH_BYTES);
    for (let i = 0; i < SECRET_HASH_BYTES; i++) {
      bytes[i] = this.rows.get(slot, SECRET + (i >> 2)) >>> ((i & 3) << 3);
    }
    return bytes;
  }

  /** How many ephemerals it owns, and the first of their list. */
  ephemerals(slot: number): number {
    return this.rows.get(slot, COUNT);
  }

  first(slot: number): number {
    return this.rows.get(slot, FIRST);
  }

  /** Sets the first of its ephemerals, of which there are `change` more. */
  setFirst(slot: number, first: number, change: 1 | -1): void {
    this.rows.set(slot, FIRST, first);
    this.rows.set(slot, COUNT, this.rows.get(slot, COUNT) + change);
  }

  #digest(slot: number, sign: 1 | -1): void {
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    this.#hasher.hash(row, at + TIMEOUT, SESSION_WORDS, SESSION_TAG, row[at + EPOCH]!, row[at + COUNTER]!);
    this.digestA = (this.digestA + sign * this.#hasher.a) | 0;
    this.digestB = (this.digestB + sign * this.#hasher.b) | 0;
  }
}

/** The words of a secret's hash, little-endian, from bytes that begin at `start`. */
export function secretWord(bytes: Uint8Array, start: number, index: number): number {
  const at = start + 4 * index;
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function hashOf(epoch: number, counter: number): number {
  return finish((counter | 0) ^ Math.imul(epoch, 0x9e3779b1));
}
