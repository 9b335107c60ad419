import { FRAME_FIXED_BYTES, FRAME_LENGTH_BYTES } from './frame.js';
import { PeerError } from './peer-error.js';

/** What is taken for a frame before its bytes have come; more only as they come. */
const FIRST_BYTES_MAX = 256 * 1024;

/**
 * Cuts what a socket delivers into frames. A frame that lies in one piece is not copied; one that comes in several is put together in a buffer that
 * grows with what has come, up to the frame's size: a length alone takes no memory. `next` is to be called until it has no more, before the next `push`.
 */
export class FrameReader {
  /** The largest length accepted; may be raised once the other side has proved who it is. */
  bytesMax: number;
  #piece: Buffer = EMPTY;
  #at = 0;
  #partial: Buffer | undefined;
  #filled = 0;
  /** Of the frame that is being put together. */
  #length = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Takes over a piece: it must not be written to any more. */
  push(piece: Buffer): void {
    this.#piece = this.#at === this.#piece.byteLength ? piece : Buffer.concat([this.#piece.subarray(this.#at), piece]);
    this.#at = 0;
  }

  /** The next frame from its crc on, or undefined until more comes. Throws a `PeerError` for a length that cannot be. */
  next(): Buffer | undefined {
    if (this.#partial !== undefined) return this.#fill(this.#partial);
    const available = this.#piece.byteLength - this.#at;
    if (available < FRAME_LENGTH_BYTES) return undefined;
    const length = this.#piece.readUInt32LE(this.#at);
    if (length > this.bytesMax) {
      throw new PeerError('FRAME_TOO_LARGE', `a frame of ${length} bytes; ${this.bytesMax} are allowed`);
    }
    if (length < FRAME_FIXED_BYTES) throw new PeerError('MALFORMED_FRAME', `a frame of ${length} bytes`);
    this.#at += FRAME_LENGTH_BYTES;
    if (available - FRAME_LENGTH_BYTES >= length) {
      this.#at += length;
      return this.#piece.subarray(this.#at - length, this.#at);
    }
    this.#partial = Buffer.allocUnsafeSlow(Math.min(length, FIRST_BYTES_MAX));
    this.#filled = 0;
    this.#length = length;
    return this.#fill(this.#partial);
  }

  #fill(partial: Buffer): Buffer | undefined {
    const wanted = Math.min(this.#length, this.#filled + this.#piece.byteLength - this.#at);
    const target = wanted > partial.byteLength ? this.#grow(partial, wanted) : partial;
    const copied = this.#piece.copy(target, this.#filled, this.#at, this.#at + wanted - this.#filled);
    this.#filled += copied;
    this.#at += copied;
    if (this.#filled < this.#length) return undefined;
    this.#partial = undefined;
    return target;
  }

  /** To twice its size, so that each byte is copied once more at most. */
  #grow(partial: Buffer, wanted: number): Buffer {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#length, Math.max(wanted, partial.byteLength * 2)));
    partial.copy(larger, 0, 0, this.#filled);
    this.#partial = larger;
    return larger;
  }
}

const EMPTY = Buffer.alloc(0);
