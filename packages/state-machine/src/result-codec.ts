import type { Result } from './results.js';

/** The bytes of one result. */
export function encodeResult(result: Result): Uint8Array {
  void result;
  throw new Error('not yet');
}

/** Reads one result; undefined when it is malformed. */
export function decodeResult(bytes: Uint8Array, offset = 0, length = bytes.length - offset): Result | undefined {
  void [bytes, offset, length];
  throw new Error('not yet');
}
