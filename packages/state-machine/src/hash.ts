/**
 * Hashes for tables and digests: fast and well mixed, not cryptographic. A digest is two lanes of 32 bits with constants
 * of their own. Words are read as little-endian on every machine, so that digests agree between all servers.
 */

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** One word into lane A (the step of MurmurHash3). */
function mixA(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const h = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** One word into lane B: the same shape, other constants and rotations. */
function mixB(hash: number, word: number): number {
  const k = Math.imul(word, 0x239b961b);
  const h = hash ^ Math.imul((k << 16) | (k >>> 16), 0xab0e9789);
  return (Math.imul((h << 11) | (h >>> 21), 3) + 0x561ccd1b) | 0;
}

/** Spreads every bit of a lane over the whole of it. */
export function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, 0x85ebca77)) | 0, 13), 0x9e3779b1);
}

/** The words of a typed array, in the byte order of the format. */
function wordAt(words: Int32Array, index: number): number {
  const word = words[index]!;
  if (LITTLE_ENDIAN) return word;
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Hashes runs of words into two lanes: `a` and `b` hold the result of the last call. */
export class WordHasher {
  a = 0;
  b = 0;

  /**
   * `count` words from `start`. `tag` tells apart what equal words stand for, or runs that end in zero bytes; the seeds chain
   * one hash to another. Four chains at a time, as xxHash32 does.
   */
  hash(words: Int32Array, start: number, count: number, tag: number, seedA: number, seedB: number): void {
    let v1 = (0x24234428 + seedA) | 0;
    let v2 = (0x85ebca77 + seedB) | 0;
    let v3 = tag | 0;
    let v4 = (0x61c8864f ^ seedA) | 0;
    const end = start + count;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      v1 = round(v1, wordAt(words, at));
      v2 = round(v2, wordAt(words, at + 1));
      v3 = round(v3, wordAt(words, at + 2));
      v4 = round(v4, wordAt(words, at + 3));
    }
    let a = (rotate(v1, 1) + rotate(v2, 7) + rotate(v3, 12) + rotate(v4, 18) + tag) | 0;
    let b = (Math.imul(v1, 0x27d4eb2f) ^ Math.imul(v2, 0x165667b1) ^ (v3 + rotate(v4, 9)) ^ tag) | 0;
    for (; at < end; at++) {
      a = mixA(a, wordAt(words, at));
      b = mixB(b, wordAt(words, at));
    }
    this.a = finish(a);
    this.b = finish(b ^ seedB);
  }
}

/** Two lanes as 16 hexadecimal digits. */
export function hexOf(a: number, b: number): string {
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
}
