import { Cursor } from './cursor.js';
import { countCodePoints } from './utf8.js';

/**
 * The layout of a comparison: 1 byte target, 1 byte operator, path, operand. The operand of `version` and `cversion` is an int32, of `czxid`
 * and `mzxid` a zxid, of `value` sized data, of `exists` 1 byte, 0 or 1.
 */
export const TARGET_VERSION = 1;
export const TARGET_CVERSION = 2;
export const TARGET_CZXID = 3;
export const TARGET_MZXID = 4;
export const TARGET_VALUE = 5;
export const TARGET_EXISTS = 6;

export const OPERATOR_EQUAL = 1;
export const OPERATOR_NOT_EQUAL = 2;
export const OPERATOR_LESS = 3;
export const OPERATOR_GREATER = 4;

/** Reads a comparison of a transaction without making anything. Holds the last one read. */
export class CompareReader {
  bytes: Uint8Array = new Uint8Array(0);
  target = 0;
  operator = 0;
  pathStart = 0;
  pathEnd = 0;
  /** Of `version` and `cversion`; of `exists` 0 or 1. */
  number = 0;
  /** Of `czxid` and `mzxid`. */
  epoch = 0;
  counter = 0;
  /** Of `value`; length -1 for null. */
  valueStart = 0;
  valueLength = -1;
  readonly #in = new Cursor();

  /** Reads the comparison that begins at `start`: the offset after it, or -1 when it is malformed. */
  read(bytes: Uint8Array, start: number, end: number): number {
    const cursor = this.#in;
    cursor.reset(bytes, start, end);
    this.bytes = bytes;
    this.target = cursor.u8();
    this.operator = cursor.u8();
    if (this.operator < OPERATOR_EQUAL || this.operator > OPERATOR_GREATER) cursor.fail();
    this.pathStart = cursor.skip(cursor.varint());
    this.pathEnd = cursor.at;
    this.#readOperand();
    if (cursor.failed || countCodePoints(bytes, this.pathStart, this.pathEnd) < 0) return -1;
    return cursor.at;
  }

  #readOperand(): void {
    const cursor = this.#in;
    switch (this.target) {
      case TARGET_VERSION:
      case TARGET_CVERSION:
        this.number = cursor.int32();
        return;
      case TARGET_CZXID:
      case TARGET_MZXID:
        this.epoch = cursor.uint32();
        this.counter = cursor.uint32();
        return;
      case TARGET_VALUE:
        this.valueLength = cursor.varint() - 1;
        this.valueStart = cursor.skip(Math.max(0, this.valueLength));
        return;
      case TARGET_EXISTS:
        this.number = cursor.flag() ? 1 : 0;
        return;
      default:
        cursor.fail();
    }
  }
}
