import { FRAME_HEAD_BYTES } from './call-frames.js';

const NOTHING = new Uint8Array(0);

/**
 * Cuts a stream of bytes into its frames, wherever it was cut on its way: for each one byte that says its kind, its length as a big-endian uint32, and so
 * many bytes. Pieces are joined only when a frame is whole, once: a frame in one piece is a view of it.
 */
export class FrameCutter {
  readonly #bytesMax: number;
  /** Of the frame that `next` came to. */
  kind = 0;
  payload: Uint8Array = NOTHING;
  /** Set when the next frame is larger than allowed: nothing after it can be read. */
  isTooLarge = false;
  /** What is looked at, and from where; and what came after it. */
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #more: Uint8Array[] = [];
  #moreBytes = 0;
  /** How many bytes there must be before anything can be done. */
  #wanted = FRAME_HEAD_BYTES;

  /** @param bytesMax - The largest payload. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that wait for the rest of their frame, once `next` has answered false. */
  get held(): number {
    return this.#bytes.byteLength - this.#at + this.#moreBytes;
  }

  /** Takes the next bytes, which must not change any more. */
  push(chunk: Uint8Array): void {
    if (this.#at === this.#bytes.byteLength && this.#moreBytes === 0) {
      this.#bytes = chunk;
      this.#at = 0;
    } else {
      this.#more.push(chunk);
      this.#moreBytes += chunk.byteLength;
    }
  }

  /** Goes to the next frame. False when there is no whole one. */
  next(): boolean {
    if (this.isTooLarge || this.held < this.#wanted) {
      // What it was a view of is not kept for its sake.
      this.payload = NOTHING;
      return false;
    }
    if (this.#bytes.byteLength - this.#at < this.#wanted) this.#join();
    const bytes = this.#bytes;
    const at = this.#at;
    // Four bytes, of which the first may make the number negative.
    const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    if (length > this.#bytesMax) {
      this.isTooLarge = true;
      return false;
    }
    const start = at + FRAME_HEAD_BYTES;
    if (this.held < FRAME_HEAD_BYTES + length) {
      this.#wanted = FRAME_HEAD_BYTES + length;
      return false;
    }
    if (bytes.byteLength < start + length) {
      this.#wanted = FRAME_HEAD_BYTES + length;
      return this.next();
    }
    this.#wanted = FRAME_HEAD_BYTES;
    this.kind = bytes[at]!;
    this.payload = bytes.subarray(start, start + length);
    this.#at = start + length;
    if (this.#at === bytes.byteLength) this.#goOn();
    return true;
  }

  /** The bytes that were looked at are used up: the next piece, if there is one, takes their place. */
  #goOn(): void {
    this.#bytes = this.#more.shift() ?? NOTHING;
    this.#at = 0;
    this.#moreBytes -= this.#bytes.byteLength;
  }

  #join(): void {
    const joined = new Uint8Array(this.held);
    joined.set(this.#bytes.subarray(this.#at));
    let at = this.#bytes.byteLength - this.#at;
    for (const piece of this.#more) {
      joined.set(piece, at);
      at += piece.byteLength;
    }
    this.#bytes = joined;
    this.#at = 0;
    this.#more = [];
    this.#moreBytes = 0;
  }
}
