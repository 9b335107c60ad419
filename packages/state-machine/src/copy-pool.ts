const POOL_BYTES = 1 << 16;
/** Above this a copy gets a buffer of its own. */
const POOLED_BYTES_MAX = 1 << 13;

/** Copies of small values, cut from larger buffers: a fourth of the price of a buffer each. What was handed out is never used again. */
export class CopyPool {
  #pool = new ArrayBuffer(0);
  #used = 0;

  copy(source: Uint8Array, start: number, length: number): Uint8Array {
    if (length > POOLED_BYTES_MAX) return source.slice(start, start + length);
    if (this.#used + length > this.#pool.byteLength) {
      this.#pool = new ArrayBuffer(POOL_BYTES);
      this.#used = 0;
    }
    const copy = new Uint8Array(this.#pool, this.#used, length);
    this.#used += (length + 7) & ~7;
    copy.set(source.subarray(start, start + length));
    return copy;
  }
}
