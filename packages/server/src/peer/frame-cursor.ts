import { crc32 } from 'node:zlib';
import { checkedBytes, FRAME_FIXED_BYTES } from './frame.js';
import { PeerError } from './peer-error.js';

const TWO_TO_32 = 0x1_0000_0000;
const U53_HIGH_MAX = 0x1f_ffff;

/** Reads the fields of one frame, in order. Everything that is not as it should be throws a `PeerError` MALFORMED_FRAME. */
export class FrameCursor {
  readonly kind: number;
  readonly #frame: Buffer;
  #at = FRAME_FIXED_BYTES;

  /** Checks the checksum: throws a `PeerError` CORRUPT_FRAME. `frame` begins with its crc, as FrameReader gives it. */
  constructor(frame: Buffer) {
    this.kind = frame.readUInt8(4);
    const checked = frame.subarray(4, checkedBytes(this.kind, frame.byteLength));
    if (crc32(checked, frame.byteLength) !== frame.readUInt32LE(0)) {
      throw new PeerError('CORRUPT_FRAME', `the checksum of a frame of ${frame.byteLength} bytes is wrong`);
    }
    this.#frame = frame;
  }

  /** The frame's bytes, and where the next field begins. */
  get frame(): Buffer {
    return this.#frame;
  }

  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#frame.byteLength - this.#at;
  }

  u8(): number {
    return this.#frame.readUInt8(this.#advance(1));
  }

  u16(): number {
    return this.#frame.readUInt16LE(this.#advance(2));
  }

  u32(): number {
    return this.#frame.readUInt32LE(this.#advance(4));
  }

  u53(): number {
    const low = this.u32();
    const high = this.u32();
    if (high > U53_HIGH_MAX) throw this.fault('a number of more than 53 bits');
    return high * TWO_TO_32 + low;
  }

  /** So many bytes; a view of the frame, not a copy. */
  bytes(length: number): Buffer {
    const at = this.#advance(length);
    return this.#frame.subarray(at, at + length);
  }

  /** One of `values`, by its place. */
  choice<T>(values: readonly T[]): T {
    const index = this.u8();
    const value = values[index];
    if (value === undefined) throw this.fault(`the unknown value ${index}`);
    return value;
  }

  bool(): boolean {
    return this.choice(BOOLS);
  }

  /** Moves to an offset that another decoder came to. */
  moveTo(offset: number): void {
    this.#advance(offset - this.#at);
  }

  /** Throws unless every byte was read. */
  end(): void {
    if (this.remaining !== 0) throw this.fault(`${this.remaining} bytes too many`);
  }

  fault(what: string): PeerError {
    return new PeerError('MALFORMED_FRAME', `a frame of kind ${this.kind} with ${what}`);
  }

  #advance(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || bytes > this.#frame.byteLength - at) throw this.fault('fields missing');
    this.#at = at + bytes;
    return at;
  }
}

const BOOLS = [false, true] as const;
