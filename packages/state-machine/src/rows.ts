/** Rows in a chunk: a power of two. Growth adds a chunk and copies nothing, so it never pauses. */
const CHUNK_BITS = 12;
const ROWS_PER_CHUNK = 1 << CHUNK_BITS;

/**
 * A growing table of rows of 32-bit integers, off the heap. A row is named by its slot: 0, 1, 2, ...; freed slots are used
 * again, the last freed first. Field 0 of a free row links to the next free one.
 */
export class Rows {
  readonly stride: number;
  readonly #chunks: Int32Array[] = [];
  #end = 0;
  /** The slot + 1 of the first free row; 0 for none. */
  #free = 0;
  #freeCount = 0;

  constructor(stride: number) {
    this.stride = stride;
  }

  /** One past the highest slot ever used. */
  get end(): number {
    return this.#end;
  }

  /** Rows in use. */
  get count(): number {
    return this.#end - this.#freeCount;
  }

  /** The chunk that holds a row: the row's fields begin at `at(slot)` of it. */
  chunk(slot: number): Int32Array {
    return this.#chunks[slot >>> CHUNK_BITS]!;
  }

  at(slot: number): number {
    return (slot & (ROWS_PER_CHUNK - 1)) * this.stride;
  }

  get(slot: number, field: number): number {
    return this.#chunks[slot >>> CHUNK_BITS]![(slot & (ROWS_PER_CHUNK - 1)) * this.stride + field]!;
  }

  set(slot: number, field: number, value: number): void {
    this.#chunks[slot >>> CHUNK_BITS]![(slot & (ROWS_PER_CHUNK - 1)) * this.stride + field] = value;
  }

  /** A row whose fields are what the last user left, or zero. */
  allocate(): number {
    if (this.#free !== 0) {
      const slot = this.#free - 1;
      this.#free = this.get(slot, 0);
      this.#freeCount--;
      return slot;
    }
    const slot = this.#end;
    this.reserve(slot);
    this.#end = slot + 1;
    return slot;
  }

  free(slot: number): void {
    this.set(slot, 0, this.#free);
    this.#free = slot + 1;
    this.#freeCount++;
  }

  /** Makes room for rows up to `slot`, zeroed, without taking them into use: for restoring rows in any order. */
  reserve(slot: number): void {
    while (this.#chunks.length <= slot >>> CHUNK_BITS) {
      this.#chunks.push(new Int32Array(ROWS_PER_CHUNK * this.stride));
    }
  }

  /** After restoring rows into slots below `end`: those that `isUsed` denies become free. */
  adopt(end: number, isUsed: (slot: number) => boolean): void {
    if (end > 0) this.reserve(end - 1);
    this.#end = end;
    for (let slot = end - 1; slot >= 0; slot--) {
      if (!isUsed(slot)) this.free(slot);
    }
  }
}
