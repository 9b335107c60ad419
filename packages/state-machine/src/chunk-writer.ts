import { WordHasher } from './hash.js';
import { copyBytes } from './node-table.js';
import { CHUNK_BYTES_MAX, FRAME_BYTES } from './snapshot-format.js';

/** More are let go. A value of a mebibyte fills four at once. */
const SPARE_MAX = 8;

/** Cuts a stream of bytes into checksummed chunks. The memory of one that was taken is used again from the next `take` on. */
export class ChunkWriter {
  readonly #hasher = new WordHasher();
  readonly #sealed: Uint8Array[] = [];
  #taken = 0;
  /** Of the chunk taken last, and of some that were taken before. */
  #given: ArrayBuffer | undefined;
  readonly #spare: ArrayBuffer[] = [];
  #buffer = new ArrayBuffer(CHUNK_BYTES_MAX);
  #bytes = new Uint8Array(this.#buffer);
  #length = FRAME_BYTES;

  /** True when a whole chunk waits to be taken. */
  get hasChunk(): boolean {
    return this.#taken < this.#sealed.length;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    let at = start;
    const end = start + length;
    while (at < end) {
      const room = Math.min(end - at, CHUNK_BYTES_MAX - this.#length);
      copyBytes(bytes, at, room, this.#bytes, this.#length);
      this.#length += room;
      at += room;
      if (this.#length === CHUNK_BYTES_MAX) this.seal();
    }
  }

  /** Ends the chunk under way, however short. */
  seal(): void {
    const body = this.#length - FRAME_BYTES;
    const view = new DataView(this.#buffer);
    // The last word is hashed whole.
    this.#bytes.fill(0, this.#length, (this.#length + 3) & ~3);
    this.#hasher.hash(new Int32Array(this.#buffer), FRAME_BYTES >> 2, (body + 3) >> 2, body, 0, 0);
    view.setUint32(0, body, true);
    view.setInt32(4, this.#hasher.a, true);
    this.#sealed.push(this.#bytes.subarray(0, this.#length));
    this.#buffer = this.#spare.pop() ?? new ArrayBuffer(CHUNK_BYTES_MAX);
    this.#bytes = new Uint8Array(this.#buffer);
    this.#length = FRAME_BYTES;
  }

  /** The oldest chunk that waits; there is one. Its bytes are good until the next call. */
  take(): Uint8Array {
    const chunk = this.#sealed[this.#taken++]!;
    if (this.#given !== undefined && this.#spare.length < SPARE_MAX) this.#spare.push(this.#given);
    this.#given = chunk.buffer as ArrayBuffer;
    if (this.#taken === this.#sealed.length) {
      this.#sealed.length = 0;
      this.#taken = 0;
    } else if (this.#taken >= 64) {
      this.#sealed.splice(0, this.#taken);
      this.#taken = 0;
    }
    return chunk;
  }
}
