import { Arena } from './arena.js';
import { WordHasher } from './hash.js';
import {
  BIRTH,
  BIRTH_WORDS,
  DATA,
  DATA_LENGTH,
  DATA_WORDS,
  FAMILY,
  FAMILY_WORDS,
  NAME_MARK,
  NODE_STRIDE,
  PARENT,
  PATH_A,
  PATH_B,
  REF,
  VALUE_A,
  VALUE_B,
} from './node-fields.js';
import { Rows } from './rows.js';

/** Up to here a loop is faster than making a view for `set`. */
export const LOOP_COPY_BYTES_MAX = 32;

/** Copies `length` bytes from `start` of `source` to `offset` of `target`. */
export function copyBytes(source: Uint8Array, start: number, length: number, target: Uint8Array, offset: number): void {
  if (length <= LOOP_COPY_BYTES_MAX) for (let i = 0; i < length; i++) target[offset + i] = source[start + i]!;
  else if (length === source.length) target.set(source, offset);
  else target.set(source.subarray(start, start + length), offset);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/**
 * The rows of all znodes, with their names and values in an arena, and the sum of their digests. It knows nothing of the tree's
 * rules; ColumnStore keeps those.
 */
export class NodeTable {
  readonly rows = new Rows(NODE_STRIDE);
  readonly arena = new Arena((slot, ref) => this.rows.set(slot, REF, ref));
  /** The sum of the digests of all parts of all nodes: two lanes, order does not matter. */
  digestA = 0;
  digestB = 0;
  readonly #hasher = new WordHasher();

  isLive(slot: number): boolean {
    return this.rows.get(slot, NAME_MARK) !== 0;
  }

  nameLength(slot: number): number {
    return this.rows.get(slot, NAME_MARK) - 1;
  }

  /** The bytes that hold the name; it begins at `nameOffset`. */
  recordBytes(slot: number): Uint8Array {
    return this.arena.slab(this.rows.get(slot, REF)).bytes;
  }

  nameOffset(slot: number): number {
    return this.arena.offset(this.rows.get(slot, REF));
  }

  valueOffset(slot: number): number {
    return this.nameOffset(slot) + padded(this.nameLength(slot));
  }

  /** Whether a node is the child of `parent` whose name is bytes `start` to `end`. */
  isChild(slot: number, parent: number, bytes: Uint8Array, start: number, end: number): boolean {
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    const length = end - start;
    if (row[at + PARENT] !== parent || row[at + NAME_MARK] !== length + 1) return false;
    const ref = row[at + REF]!;
    const own = this.arena.slab(ref).bytes;
    const offset = this.arena.offset(ref);
    for (let i = 0; i < length; i++) {
      if (own[offset + i] !== bytes[start + i]) return false;
    }
    return true;
  }

  /** Compares a node's name with bytes `start` to `end`, byte by byte: negative, 0 or positive. */
  compareName(slot: number, bytes: Uint8Array, start: number, end: number): number {
    const ref = this.rows.get(slot, REF);
    const own = this.arena.slab(ref).bytes;
    const offset = this.arena.offset(ref);
    const ownLength = this.nameLength(slot);
    const length = Math.min(ownLength, end - start);
    for (let i = 0; i < length; i++) {
      const difference = own[offset + i]! - bytes[start + i]!;
      if (difference !== 0) return difference;
    }
    return ownLength - (end - start);
  }

  /** Gives a new row its record: the name from bytes `start` to `end`, and room for the value. */
  makeRecord(slot: number, bytes: Uint8Array, start: number, end: number, valueLength: number): void {
    const nameBytes = padded(end - start);
    const ref = this.arena.allocate(slot, nameBytes + padded(Math.max(0, valueLength)));
    this.rows.set(slot, REF, ref);
    this.rows.set(slot, NAME_MARK, end - start + 1);
    const slab = this.arena.slab(ref);
    const offset = this.arena.offset(ref);
    if (nameBytes !== 0) slab.words[(offset + nameBytes - 4) >> 2] = 0;
    copyBytes(bytes, start, end - start, slab.bytes, offset);
  }

  /** Puts a value of `length` bytes (-1: null) into the record, which has room for it, and hashes it. */
  putValue(slot: number, bytes: Uint8Array, start: number, length: number): void {
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    row[at + DATA_LENGTH] = length;
    if (length < 0) {
      row[at + VALUE_A] = 0;
      row[at + VALUE_B] = 0;
      return;
    }
    const slab = this.arena.slab(row[at + REF]!);
    const offset = this.arena.offset(row[at + REF]!) + padded(row[at + NAME_MARK]! - 1);
    const valueBytes = padded(length);
    if (valueBytes !== 0) slab.words[(offset + valueBytes - 4) >> 2] = 0;
    copyBytes(bytes, start, length, slab.bytes, offset);
    this.#hasher.hash(slab.words, offset >> 2, valueBytes >> 2, length, 0, 0);
    row[at + VALUE_A] = this.#hasher.a;
    row[at + VALUE_B] = this.#hasher.b;
  }

  /** Makes the record fit a value of `length` bytes, in place where that wastes little. The old value is lost. */
  resizeRecord(slot: number, length: number): void {
    const old = this.rows.get(slot, REF);
    const nameBytes = padded(this.nameLength(slot));
    const needed = nameBytes + padded(Math.max(0, length));
    const capacity = this.arena.capacity(old);
    if (needed <= capacity && capacity <= needed + (needed >> 2) + 64) return;
    const ref = this.arena.allocate(slot, needed);
    // Allocating may have moved the old record.
    const from = this.rows.get(slot, REF);
    copyBytes(
      this.arena.slab(from).bytes,
      this.arena.offset(from),
      nameBytes,
      this.arena.slab(ref).bytes,
      this.arena.offset(ref),
    );
    // Set before the old one is freed: freeing may compact, and move the new one.
    this.rows.set(slot, REF, ref);
    this.arena.free(from);
  }

  /** Hashes the path of a node from its parent's and its name. */
  hashPath(slot: number, parent: number): void {
    const ref = this.rows.get(slot, REF);
    const length = this.nameLength(slot);
    const words = this.arena.slab(ref).words;
    const offset = this.arena.offset(ref) >> 2;
    this.#hasher.hash(
      words,
      offset,
      padded(length) >> 2,
      length,
      this.rows.get(parent, PATH_A),
      this.rows.get(parent, PATH_B),
    );
    this.rows.set(slot, PATH_A, this.#hasher.a);
    this.rows.set(slot, PATH_B, this.#hasher.b);
  }

  /** Takes a part of a node into the digest (`sign` 1), or out of it (-1): before and after every change of the part. */
  digestBirth(slot: number, sign: 1 | -1): void {
    this.#digestPart(slot, BIRTH, BIRTH_WORDS, sign);
  }

  digestData(slot: number, sign: 1 | -1): void {
    this.#digestPart(slot, DATA, DATA_WORDS, sign);
  }

  digestFamily(slot: number, sign: 1 | -1): void {
    this.#digestPart(slot, FAMILY, FAMILY_WORDS, sign);
  }

  digestNode(slot: number, sign: 1 | -1): void {
    this.digestBirth(slot, sign);
    this.digestData(slot, sign);
    this.digestFamily(slot, sign);
  }

  #digestPart(slot: number, field: number, count: number, sign: 1 | -1): void {
    const row = this.rows.chunk(slot);
    const at = this.rows.at(slot);
    this.#hasher.hash(row, at + field, count, field, row[at + PATH_A]!, row[at + PATH_B]!);
    this.digestA = (this.digestA + sign * this.#hasher.a) | 0;
    this.digestB = (this.digestB + sign * this.#hasher.b) | 0;
  }
}
