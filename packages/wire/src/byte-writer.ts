import type { Zxid } from './stat.js';
import { utf8Length, writeUtf8 } from './utf8.js';
import { varintLength, writeVarint, zigzag } from './varint.js';

/** Scalars into a buffer that grows, little-endian. Reused: `reset` begins anew, and `bytes` up to `length` are the content. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  #view: DataView;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  reset(): void {
    this.length = 0;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.word(value);
  }

  /** As `u32`, into room that was reserved before. */
  word(value: number): void {
    this.#view.setInt32(this.length, value, true);
    this.length += 4;
  }

  /** A whole number below 2^53 in eight bytes. */
  u53(value: number): void {
    this.u32(value | 0);
    this.u32((value / 4_294_967_296) | 0);
  }

  /** A whole number below 2^53, in one to eight bytes. */
  varint(value: number): void {
    this.reserve(8);
    this.length = writeVarint(value, this.bytes, this.length);
  }

  /** An int32, as a varint in zigzag form. */
  int32(value: number): void {
    this.varint(zigzag(value));
  }

  /** As two varints. */
  zxid(zxid: Zxid): void {
    this.varint(zxid.epoch);
    this.varint(zxid.counter);
  }

  /** Bytes as they are, without their length. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A text, its length in bytes as a varint before it. */
  text(text: string): void {
    const length = utf8Length(text);
    this.varint(length);
    this.reserve(length);
    this.length = writeUtf8(text, this.bytes, this.length);
  }

  /** Bytes or null: a varint 0 for null, else the length + 1, and the bytes. */
  data(data: Uint8Array | null): void {
    this.varint(data === null ? 0 : data.length + 1);
    if (data !== null) this.raw(data);
  }

  /** Begins a part whose length is to stand before it, as a varint: answers with what `endPart` wants. */
  beginPart(): number {
    this.u8(0);
    return this.length;
  }

  /** Ends a part. A length of more than one byte moves the part, so large parts are better written with their length known. */
  endPart(start: number): void {
    const length = this.length - start;
    const more = varintLength(length) - 1;
    this.reserve(more);
    if (more > 0) this.bytes.copyWithin(start + more, start, this.length);
    writeVarint(length, this.bytes, start - 1);
    this.length += more;
  }

  content(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** Reads what ByteWriter wrote. Reading past the end gives zeros and sets `failed`, so that callers check once. */
export class ByteReader {
  failed = false;
  at: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#take(1) ? this.bytes[this.at - 1]! : 0;
  }

  u32(): number {
    return this.#take(4) ? this.#view.getUint32(this.at - 4, true) : 0;
  }

  i32(): number {
    return this.u32() | 0;
  }

  u53(): number {
    const low = this.u32();
    const high = this.u32();
    if (high > 0x1f_ffff) this.failed = true;
    return high * 4_294_967_296 + low;
  }

  /** Passes over `count` bytes and answers with where they begin. */
  skip(count: number): number {
    return this.#take(count) ? this.at - count : this.at;
  }

  /** True when everything was read and nothing was missing. */
  get done(): boolean {
    return !this.failed && this.at === this.end;
  }

  #take(count: number): boolean {
    if (this.failed || count > this.end - this.at) {
      this.failed = true;
      return false;
    }
    this.at += count;
    return true;
  }
}
