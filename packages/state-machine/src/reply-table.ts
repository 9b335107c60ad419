import { packSetResult, SET_RESULT_BYTES } from '@zkl/wire';
import { Arena } from './arena.js';
import { finish, WordHasher } from './hash.js';
import { copyBytes } from './node-table.js';
import { highWord, joinWords, lowWord } from './node-fields.js';
import { Rows } from './rows.js';

/** Fields of a kept reply's row. Links are slots + 1; 0 for none. */
const REF = 0;
const REQUEST_LOW = 1;
const REQUEST_HIGH = 2;
const NEXT = 3;
const PREVIOUS = 4;
const LENGTH = 5;
const DIGEST_A = 6;
const DIGEST_B = 7;
const STRIDE = 8;

/** What a reply is charged beyond its bytes against `replyBytesMax`. */
const REPLY_CHARGE_BYTES = 64;

/** Kept replies. Each is the bytes of a result. Lists per client, in the order of request ids, are linked here; their ends are the client's. */
export class ReplyTable {
  /** The sum of the digests of all kept replies. */
  digestA = 0;
  digestB = 0;
  /** Bytes charged for all of them: a function of the state alone, the same on all servers. */
  chargedBytes = 0;
  readonly #rows = new Rows(STRIDE);
  readonly #arena = new Arena((slot, ref) => this.#rows.set(slot, REF, ref));
  readonly #hasher = new WordHasher();

  get count(): number {
    return this.#rows.count;
  }

  /** Keeps `length` bytes from `start` as the reply to a request that has none; `idA` and `idB` name the client in the digest. */
  add(idA: number, idB: number, requestId: number, bytes: Uint8Array, start: number, length: number): number {
    const slot = this.#make(requestId, length);
    const ref = this.#rows.get(slot, REF);
    copyBytes(bytes, start, length, this.#arena.slab(ref).bytes, this.#arena.offset(ref));
    this.#seal(slot, idA, idB);
    return slot;
  }

  /** As `add`, of a set's result given as the words that `packSetResult` takes. */
  addSet(idA: number, idB: number, requestId: number, words: Int32Array): number {
    const slot = this.#make(requestId, SET_RESULT_BYTES);
    const ref = this.#rows.get(slot, REF);
    packSetResult(words, this.#arena.slab(ref).words, this.#arena.offset(ref) >> 2);
    this.#seal(slot, idA, idB);
    return slot;
  }

  /** A row with room for `length` bytes, of which the last word is zero. */
  #make(requestId: number, length: number): number {
    const slot = this.#rows.allocate();
    const words = (length + 3) >> 2;
    const ref = this.#arena.allocate(slot, words << 2);
    const row = this.#rows.chunk(slot);
    const at = this.#rows.at(slot);
    row[at + REF] = ref;
    row[at + REQUEST_LOW] = lowWord(requestId);
    row[at + REQUEST_HIGH] = highWord(requestId);
    row[at + NEXT] = row[at + PREVIOUS] = 0;
    row[at + LENGTH] = length;
    if (words !== 0) this.#arena.slab(ref).words[(this.#arena.offset(ref) >> 2) + words - 1] = 0;
    return slot;
  }

  /** Takes a reply whose bytes are there into the digest and the charge. */
  #seal(slot: number, idA: number, idB: number): void {
    const hasher = this.#hasher;
    const row = this.#rows.chunk(slot);
    const at = this.#rows.at(slot);
    const ref = row[at + REF]!;
    const length = row[at + LENGTH]!;
    const requestLow = row[at + REQUEST_LOW]!;
    const idWithRequest = finish(idB ^ requestLow) ^ row[at + REQUEST_HIGH]!;
    const first = this.#arena.offset(ref) >> 2;
    hasher.hash(this.#arena.slab(ref).words, first, (length + 3) >> 2, length, idA ^ requestLow, idWithRequest);
    row[at + DIGEST_A] = hasher.a;
    row[at + DIGEST_B] = hasher.b;
    this.chargedBytes += length + REPLY_CHARGE_BYTES;
    this.digestA = (this.digestA + hasher.a) | 0;
    this.digestB = (this.digestB + hasher.b) | 0;
  }

  remove(slot: number): void {
    const row = this.#rows.chunk(slot);
    const at = this.#rows.at(slot);
    this.chargedBytes -= row[at + LENGTH]! + REPLY_CHARGE_BYTES;
    this.digestA = (this.digestA - row[at + DIGEST_A]!) | 0;
    this.digestB = (this.digestB - row[at + DIGEST_B]!) | 0;
    this.#arena.free(row[at + REF]!);
    this.#rows.free(slot);
  }

  requestId(slot: number): number {
    const row = this.#rows.chunk(slot);
    const at = this.#rows.at(slot);
    return joinWords(row[at + REQUEST_LOW]!, row[at + REQUEST_HIGH]!);
  }

  /** Slot + 1 of the neighbour in the client's list. */
  next(slot: number): number {
    return this.#rows.get(slot, NEXT);
  }

  previous(slot: number): number {
    return this.#rows.get(slot, PREVIOUS);
  }

  /** Makes two replies, given as slots + 1 or 0, neighbours. */
  join(before: number, after: number): void {
    if (before !== 0) this.#rows.set(before - 1, NEXT, after);
    if (after !== 0) this.#rows.set(after - 1, PREVIOUS, before);
  }

  bytes(slot: number): Uint8Array {
    return this.#arena.slab(this.#rows.get(slot, REF)).bytes;
  }

  offset(slot: number): number {
    return this.#arena.offset(this.#rows.get(slot, REF));
  }

  length(slot: number): number {
    return this.#rows.get(slot, LENGTH);
  }
}
