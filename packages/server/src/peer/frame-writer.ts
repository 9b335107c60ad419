import { crc32 } from 'node:zlib';
import { FRAME_FIXED_BYTES, FRAME_LENGTH_BYTES } from './frame.js';

const SLAB_BYTES = 64 * 1024;
/** Smaller byte runs are copied into the slab, larger ones are passed on as they are. */
const COPY_BYTES_MAX = 4_096;
const HEAD_BYTES = FRAME_LENGTH_BYTES + FRAME_FIXED_BYTES;
const TWO_TO_32 = 0x1_0000_0000;

/**
 * Builds frames one after another in slabs of memory, so that all frames of a turn are few, large writes. Use: `open`, the fields, `seal`, then any
 * `tail`. Numbers out of the range of their field throw a RangeError, after which `abandon` drops the frame begun.
 */
export class FrameWriter {
  #slab: Buffer = EMPTY;
  /** What lies between `#from` and `#at` in the slab waits to be taken. */
  #from = 0;
  #at = 0;
  #start = 0;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;

  /** Bytes that wait to be taken. */
  get queuedBytes(): number {
    return this.#chunkBytes + this.#at - this.#from;
  }

  /** Begins a frame with room for `fieldBytes` bytes of fields. */
  open(kind: number, fieldBytes: number): void {
    this.#reserve(HEAD_BYTES + fieldBytes);
    this.#start = this.#at;
    this.#slab[this.#start + HEAD_BYTES - 1] = kind;
    this.#at += HEAD_BYTES;
  }

  u8(value: number): void {
    this.#at = this.#slab.writeUInt8(value, this.#at);
  }

  u16(value: number): void {
    this.#at = this.#slab.writeUInt16LE(value, this.#at);
  }

  u32(value: number): void {
    this.#at = this.#slab.writeUInt32LE(value, this.#at);
  }

  /** A whole number up to 2^53 - 1, as 64 bits. */
  u53(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no whole number of 53 bits`);
    this.#at = this.#slab.writeUInt32LE(value % TWO_TO_32, this.#at);
    this.#at = this.#slab.writeUInt32LE(Math.floor(value / TWO_TO_32), this.#at);
  }

  /** Bytes as they are, without their length. */
  bytes(value: Uint8Array): void {
    this.#slab.set(value, this.#at);
    this.#at += value.byteLength;
  }

  /** Ends the fields; `tailBytes` more bytes, outside the checksum, follow through `tail`. */
  seal(tailBytes: number): void {
    const start = this.#start;
    const crcAt = start + FRAME_LENGTH_BYTES;
    const length = this.#at - crcAt + tailBytes;
    this.#slab.writeUInt32LE(length, start);
    this.#slab.writeUInt32LE(crc32(this.#slab.subarray(crcAt + 4, this.#at), length), crcAt);
  }

  /** More bytes of the sealed frame. Large ones are not copied: they must not change until they are sent. */
  tail(value: Uint8Array): void {
    if (value.byteLength <= COPY_BYTES_MAX) {
      this.#reserve(value.byteLength);
      this.bytes(value);
      return;
    }
    this.#cut();
    this.#chunks.push(value);
    this.#chunkBytes += value.byteLength;
  }

  /** Drops the frame that was opened and not sealed. */
  abandon(): void {
    this.#at = this.#start;
  }

  /** All that waits, in order, and forgets it. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    return chunks;
  }

  #cut(): void {
    if (this.#at === this.#from) return;
    this.#chunks.push(this.#slab.subarray(this.#from, this.#at));
    this.#chunkBytes += this.#at - this.#from;
    this.#from = this.#at;
  }

  /** Room in one piece. A slab that was taken is never written again: it may still wait in the socket. */
  #reserve(bytes: number): void {
    if (this.#slab.byteLength - this.#at >= bytes) return;
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.#from = 0;
    this.#at = 0;
  }
}

const EMPTY = Buffer.alloc(0);
