/** Varints: seven bits a byte, low ones first, below 2^53. The shortest form is the only one accepted, so that bytes and meaning are one to one. */

/** Bytes that `value`, a whole number from 0 to 2^53 - 1, takes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes `value` and answers with the offset after it. */
export function writeVarint(value: number, target: Uint8Array, offset: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 128;
  target[at++] = rest;
  return at;
}

/** An int32 as a whole number from 0: small ones of either sign stay small. */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

export function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
