import type { Zxid } from './stat.js';
import { STAT_BYTES } from './stat-codec.js';

/** What a set's result begins with: see result-codec. */
export const SET_RESULT_KIND = 2;

/** A set's result after its kind, as uint32 in the order of the layout: its zxid, then the stat as `writeStat` writes it. */
export const SET_RESULT_WORDS = 2 + STAT_BYTES / 4;

/** Bytes of a set's result. */
export const SET_RESULT_BYTES = 1 + 4 * SET_RESULT_WORDS;

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Puts a set's result into `target` from word `at` on: the bytes that `writeResult` gives, without an object on the way. `words` are the
 * SET_RESULT_WORDS of it. Of the last word that it touches, what comes after the result is zero.
 */
export function packSetResult(words: Int32Array, target: Int32Array, at: number): void {
  // The kind is one byte: each word begins in the last bytes of one, and ends in the first byte of the next.
  let carry = SET_RESULT_KIND;
  for (let i = 0; i < SET_RESULT_WORDS; i++) {
    const word = words[i]!;
    target[at + i] = carry | (word << 8);
    carry = word >>> 24;
  }
  target[at + SET_RESULT_WORDS] = carry;
  if (!LITTLE_ENDIAN) swapBytes(target, at, at + SET_RESULT_WORDS);
}

/** Where an encoded result says that it was ordered, when it is a set's and whole; else undefined. Reads no more of it. */
export function zxidOfSetResult(bytes: Uint8Array): Zxid | undefined {
  if (bytes.length !== SET_RESULT_BYTES || bytes[0] !== SET_RESULT_KIND) return undefined;
  return { epoch: uint32At(bytes, 1), counter: uint32At(bytes, 5) };
}

function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function swapBytes(words: Int32Array, first: number, last: number): void {
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  for (let at = first; at <= last; at++) view.setInt32(4 * at, words[at]!, true);
}
