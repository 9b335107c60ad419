import { crc32 } from 'node:zlib';

/** CRC-32 (IEEE) of a range. */
export function checksum(bytes: Uint8Array, from: number, to: number, seed = 0): number {
  return crc32(bytes.subarray(from, to), seed);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a whole number below 2^53 as two uint32. */
export function setWhole(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

export function getWhole(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}

export function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

const ZEROS = Buffer.alloc(65_536);

/** Where the first byte that is not zero stands, or -1. Zeros are compared in large pieces, natively. */
export function firstNonZero(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at += ZEROS.length) {
    const end = Math.min(at + ZEROS.length, to);
    if (ZEROS.compare(bytes, at, end, 0, end - at) === 0) continue;
    for (let index = at; index < end; index += 1) if (bytes[index] !== 0) return index;
  }
  return -1;
}

/**
 * True when a range holds nothing that was written: all zeros, or a single bit that is not. One flipped bit in space that was
 * never used is no data, and must not be mistaken for the remains of some.
 */
export function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  const first = firstNonZero(bytes, from, to);
  if (first < 0) return true;
  const value = bytes[first] ?? 0;
  return (value & (value - 1)) === 0 && firstNonZero(bytes, first + 1, to) < 0;
}
