import { WordHasher } from './hash.js';
import { Rows } from './rows.js';

/** Fields of the row of a node that is more than a plain one. Links are slots + 1 of extra rows; 0 for none. */
export const NODE = 0;
/** ZooKeeper's number of the create mode, without its being sequential: 1 ephemeral, 4 container, 5 with a TTL; 0 for a plain node with a quota. */
export const MODE = 1;
/** The owner's epoch and counter, or the TTL's low and high word. With MODE a part of the digest. */
export const PARAM_A = 2;
export const PARAM_B = 3;
/** The owner's slot + 1 in the session table. */
export const SESSION = 4;
/** The list of a session's ephemerals, or of empty containers. */
export const NEXT = 5;
export const PREVIOUS = 6;
/** Of a container: 1 while it is listed as empty. Of a TTL node: its place in the heap + 1. */
export const PLACE = 7;
const STRIDE = 8;
const DIGEST_WORDS = 3;
const EXTRA_TAG = 102;

/** What few nodes have: an owner, a time to live, being a container. A plain node has no row here. */
export class ExtraTable {
  readonly rows = new Rows(STRIDE);
  /** The sum of the digests of all rows. */
  digestA = 0;
  digestB = 0;
  readonly #hasher = new WordHasher();

  add(node: number, mode: number, a: number, b: number): number {
    const slot = this.rows.allocate();
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    row.fill(0, at, at + STRIDE);
    row[at + NODE] = node;
    row[at + MODE] = mode;
    row[at + PARAM_A] = a;
    row[at + PARAM_B] = b;
    return slot;
  }

  get(slot: number, field: number): number {
    return this.rows.get(slot, field);
  }

  set(slot: number, field: number, value: number): void {
    this.rows.set(slot, field, value);
  }

  /** Takes a row into the digest (1) or out of it (-1), under the hash of its node's path. */
  digest(slot: number, pathA: number, pathB: number, sign: 1 | -1): void {
    const at = this.rows.at(slot) + MODE;
    this.#hasher.hash(this.rows.chunk(slot), at, DIGEST_WORDS, EXTRA_TAG, pathA, pathB);
    this.digestA = (this.digestA + sign * this.#hasher.a) | 0;
    this.digestB = (this.digestB + sign * this.#hasher.b) | 0;
  }

  /** Puts a row at the front of a list: answers with the list's new first. */
  link(slot: number, first: number): number {
    this.rows.set(slot, NEXT, first);
    this.rows.set(slot, PREVIOUS, 0);
    if (first !== 0) this.rows.set(first - 1, PREVIOUS, slot + 1);
    return slot + 1;
  }

  /** Takes a row out of its list: answers with the list's first. */
  unlink(slot: number, first: number): number {
    const next = this.rows.get(slot, NEXT);
    const previous = this.rows.get(slot, PREVIOUS);
    if (next !== 0) this.rows.set(next - 1, PREVIOUS, previous);
    if (previous !== 0) this.rows.set(previous - 1, NEXT, next);
    return previous === 0 ? next : first;
  }
}
