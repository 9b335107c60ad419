/**
 * UTF-8 by hand: TextEncoder and TextDecoder are not part of ECMAScript, and for the short strings of the hot path
 * crossing into native code costs more than the loop.
 */

/** Bytes that `text` takes. A lone surrogate counts as U+FFFD, which is what `writeUtf8` makes of it. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) {
      length += 2;
      i++;
    } else length += 2;
  }
  return length;
}

/** Writes `text` at `offset` of `target`, which has room for it, and answers with the offset after it. */
export function writeUtf8(text: string, target: Uint8Array, offset: number): number {
  let at = offset;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) target[at++] = unit;
    else if (unit < 0x800) {
      target[at++] = 0xc0 | (unit >> 6);
      target[at++] = 0x80 | (unit & 0x3f);
    } else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) {
      const point = 0x10000 + ((unit & 0x3ff) << 10) + (text.charCodeAt(++i) & 0x3ff);
      target[at++] = 0xf0 | (point >> 18);
      target[at++] = 0x80 | ((point >> 12) & 0x3f);
      target[at++] = 0x80 | ((point >> 6) & 0x3f);
      target[at++] = 0x80 | (point & 0x3f);
    } else at = writeThree(unit >= 0xd800 && unit <= 0xdfff ? 0xfffd : unit, target, at);
  }
  return at;
}

function writeThree(point: number, target: Uint8Array, offset: number): number {
  target[offset] = 0xe0 | (point >> 12);
  target[offset + 1] = 0x80 | ((point >> 6) & 0x3f);
  target[offset + 2] = 0x80 | (point & 0x3f);
  return offset + 3;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** False for NaN, so that the end of a string needs no case of its own. */
function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Units made into a string at a time: below the argument limits of every engine. */
const UNITS_PER_CALL = 4_096;

/** The text in bytes `start` to `end`, which are valid UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  const units: number[] = [];
  let text = '';
  for (let at = start; at < end;) {
    const byte = bytes[at]!;
    if (byte < 0x80) {
      units.push(byte);
      at += 1;
    } else if (byte < 0xe0) {
      units.push(((byte & 0x1f) << 6) | (bytes[at + 1]! & 0x3f));
      at += 2;
    } else if (byte < 0xf0) {
      units.push(((byte & 0x0f) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f));
      at += 3;
    } else {
      const point =
        ((byte & 0x07) << 18) |
        ((bytes[at + 1]! & 0x3f) << 12) |
        ((bytes[at + 2]! & 0x3f) << 6) |
        (bytes[at + 3]! & 0x3f);
      units.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
      at += 4;
    }
    if (units.length >= UNITS_PER_CALL) {
      text += String.fromCharCode.apply(undefined, units);
      units.length = 0;
    }
  }
  return text + String.fromCharCode.apply(undefined, units);
}

/** The code points in bytes `start` to `end`, or -1 when they are not well-formed UTF-8 (Unicode, table 3-7). */
export function countCodePoints(bytes: Uint8Array, start: number, end: number): number {
  let points = 0;
  for (let at = start; at < end; points++) {
    const length = sequenceLength(bytes, at, end);
    if (length === 0) return -1;
    at += length;
  }
  return points;
}

/** Bytes of the well-formed sequence at `at`, or 0 when there is none. */
export function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  const second = bytes[at + 1]!;
  // No overlong forms, no surrogates, nothing above U+10FFFF.
  if (second < (first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80)) return 0;
  if (second > (first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf)) return 0;
  for (let i = 2; i < length; i++) {
    if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  }
  return length;
}
