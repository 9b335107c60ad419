import { WordHasher } from './hash.js';
import { CHUNK_BYTES_MAX, FRAME_BYTES, SnapshotDamagedError } from './snapshot-format.js';

/** Puts the chunks of a snapshot together again, however they were cut on the way, and checks each. */
export class FrameReader {
  readonly #hasher = new WordHasher();
  readonly #words = new Int32Array(CHUNK_BYTES_MAX >> 2);
  readonly #frame = new Uint8Array(this.#words.buffer);
  readonly #view = new DataView(this.#words.buffer);
  #length = 0;

  /** Takes bytes in, and gives each body that is whole now to `onBody`, which must not keep it. */
  push(bytes: Uint8Array, onBody: (body: Uint8Array) => void): void {
    let at = 0;
    while (at < bytes.length) {
      const wanted = this.#length < FRAME_BYTES ? FRAME_BYTES : this.#frameBytes();
      const part = Math.min(wanted - this.#length, bytes.length - at);
      this.#frame.set(bytes.subarray(at, at + part), this.#length);
      this.#length += part;
      at += part;
      if (this.#length >= FRAME_BYTES && this.#length === this.#frameBytes()) this.#complete(onBody);
    }
  }

  /** True when nothing was left over. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  #frameBytes(): number {
    const body = this.#view.getUint32(0, true);
    if (body > CHUNK_BYTES_MAX - FRAME_BYTES) throw new SnapshotDamagedError('a chunk is longer than it may be');
    return FRAME_BYTES + body;
  }

  #complete(onBody: (body: Uint8Array) => void): void {
    const body = this.#length - FRAME_BYTES;
    this.#frame.fill(0, this.#length, (this.#length + 3) & ~3);
    this.#hasher.hash(this.#words, FRAME_BYTES >> 2, (body + 3) >> 2, body, 0, 0);
    if (this.#hasher.a !== this.#view.getInt32(4, true))
      throw new SnapshotDamagedError('a chunk does not match its checksum');
    const end = this.#length;
    this.#length = 0;
    onBody(this.#frame.subarray(FRAME_BYTES, end));
  }
}
