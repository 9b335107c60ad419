const SLAB_BYTES = 65_536;
/** What is larger gets memory of its own: a slab is kept as long as the last of its copies is. */
const COPY_BYTES_MAX = 4_096;

/** Copies of short-lived bytes, cut from large pieces: memory of its own costs a small copy several times what the copying does. */
export class ByteSlab {
  #slab = new Uint8Array(0);
  #at = 0;

  /** A copy that nothing else will write to. */
  copy(bytes: Uint8Array): Uint8Array {
    const { byteLength } = bytes;
    if (byteLength > COPY_BYTES_MAX) return new Uint8Array(bytes);
    if (this.#at + byteLength > this.#slab.byteLength) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#at = 0;
    }
    const start = this.#at;
    this.#slab.set(bytes, start);
    this.#at = start + byteLength;
    return this.#slab.subarray(start, this.#at);
  }
}
