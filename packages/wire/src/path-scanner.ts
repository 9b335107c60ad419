import { PATH_BYTES_MAX } from './limits.js';
import { sequenceLength } from './utf8.js';

const SLASH = 0x2f;
const DOT = 0x2e;

/** Room for components at first; it doubles up to half the bytes of a path. */
const COMPONENTS_AT_FIRST = 16;

/** A name among the children of a node: bytes `start` to `end`, and their `nameHash`. Reused from call to call. */
export interface Name {
  bytes: Uint8Array;
  start: number;
  end: number;
  hash: number;
}

/** One more byte into the hash of a name. */
export function nameHashStep(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/** The hash of a name in bytes `start` to `end`. */
export function nameHash(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = nameHashStep(hash, bytes[at]!);
  return hash;
}

/**
 * Checks a path and finds its components and their hashes, in one pass over its bytes and without making anything. Holds
 * the last path scanned. Rules: docs of `checkPath`.
 */
export class PathScanner {
  /** Components of the path; 0 for the root. The last of a sequential prefix may be empty. */
  count = 0;
  readonly #seed: number;
  readonly #bytesMax: number;
  #starts = new Int32Array(COMPONENTS_AT_FIRST);
  #ends = new Int32Array(COMPONENTS_AT_FIRST);
  #hashes = new Int32Array(COMPONENTS_AT_FIRST);

  constructor(seed: number, bytesMax: number) {
    this.#seed = seed;
    this.#bytesMax = Math.min(bytesMax, PATH_BYTES_MAX);
  }

  /** False when the path is not allowed. With `sequential` it is a prefix, to which ten digits come. */
  scan(bytes: Uint8Array, start: number, end: number, sequential: boolean): boolean {
    this.count = 0;
    if (end - start + (sequential ? 10 : 0) > this.#bytesMax) return false;
    if (start >= end || bytes[start] !== SLASH) return false;
    if (end - start === 1 && !sequential) return true;
    let hash = this.#seed;
    let first = start + 1;
    for (let at = first; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === SLASH) {
        if (isRefusedName(bytes, first, at)) return false;
        this.#push(first, at, hash);
        hash = this.#seed;
        first = at + 1;
      } else if (byte < 0x7f) {
        if (byte < 0x20) return false;
        hash = nameHashStep(hash, byte);
      } else {
        const length = allowedLength(bytes, at, end);
        if (length === 0) return false;
        for (const stop = at + length - 1; at < stop; at++) hash = nameHashStep(hash, bytes[at]!);
        hash = nameHashStep(hash, bytes[at]!);
      }
    }
    if (!sequential && isRefusedName(bytes, first, end)) return false;
    this.#push(first, end, hash);
    return true;
  }

  /** Points `name` at a component of `bytes`, the bytes that were scanned. */
  component(index: number, bytes: Uint8Array, name: Name): void {
    name.bytes = bytes;
    name.start = this.#starts[index]!;
    name.end = this.#ends[index]!;
    name.hash = this.#hashes[index]!;
  }

  #push(start: number, end: number, hash: number): void {
    if (this.count === this.#starts.length) this.#grow();
    this.#starts[this.count] = start;
    this.#ends[this.count] = end;
    this.#hashes[this.count] = hash;
    this.count++;
  }

  #grow(): void {
    this.#starts = doubled(this.#starts);
    this.#ends = doubled(this.#ends);
    this.#hashes = doubled(this.#hashes);
  }
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2);
  larger.set(words);
  return larger;
}

/** Empty, `.` and `..`. */
function isRefusedName(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0) return true;
  if (length > 2 || bytes[start] !== DOT) return false;
  return length === 1 || bytes[start + 1] === DOT;
}

/** Bytes of the character at `at`, which is U+007F or above; 0 when it is malformed or not allowed. */
function allowedLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  const length = sequenceLength(bytes, at, end);
  const second = length > 1 ? bytes[at + 1]! : 0;
  // U+007F; U+0080-009F; and beyond U+FFFF, which ZooKeeper refuses because it sees the surrogates.
  if (length === 1 || length === 4) return 0;
  if (first === 0xc2 && second < 0xa0) return 0;
  // U+E000-EFFF, U+F000-F8FF (malformed UTF-8 covers D800-DFFF), U+FFF0-FFFF.
  if (first === 0xee) return 0;
  if (first === 0xef && (second < 0xa4 || (second === 0xbf && bytes[at + 2]! >= 0xb0))) return 0;
  return length;
}
