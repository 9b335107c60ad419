/** Varints of lengths and numbers have at most eight bytes: 2^53 and no more. */
const VARINT_BYTES_MAX = 8;
const VERSION_MAX = 0xffff_ffff;

/**
 * Goes over a range of bytes without making anything. Past the end, and for what is malformed, it gives 0 and sets `failed`, so that
 * callers check once. Nothing is ever taken from a length before the bytes are known to be there.
 */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  failed = false;

  /** Begins with bytes `start` to `end`, which lie within `bytes`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.failed = false;
  }

  /** True when everything was read and nothing was missing. */
  get done(): boolean {
    return !this.failed && this.at === this.end;
  }

  /** What the caller found malformed. Answers with 0, so that it can be returned. */
  fail(): 0 {
    this.failed = true;
    return 0;
  }

  u8(): number {
    return this.at < this.end ? this.bytes[this.at++]! : this.fail();
  }

  /** A byte that is 0 or 1. */
  flag(): boolean {
    const value = this.u8();
    if (value > 1) this.failed = true;
    return value === 1;
  }

  /** A whole number below 2^53, in its shortest form. */
  varint(): number {
    if (this.at >= this.end) return this.fail();
    const { bytes, end } = this;
    let byte = bytes[this.at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    let scale = 128;
    for (let i = 1; i < VARINT_BYTES_MAX && this.at < end; i++) {
      byte = bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return byte === 0 || value > Number.MAX_SAFE_INTEGER ? this.fail() : value;
      scale *= 128;
    }
    return this.fail();
  }

  /** A whole number below 2^32. */
  uint32(): number {
    const value = this.varint();
    return value > VERSION_MAX ? this.fail() : value;
  }

  /** An int32 in zigzag form. */
  int32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Passes over `count` bytes and answers with where they begin. */
  skip(count: number): number {
    if (count > this.end - this.at) return this.fail();
    this.at += count;
    return this.at - count;
  }

  /**
   * How many things follow, when each takes at least `bytesMin` bytes: more than could be there is refused before anything is made
   * for them.
   */
  count(bytesMin: number): number {
    const value = this.varint();
    return value * bytesMin > this.end - this.at ? this.fail() : value;
  }
}
