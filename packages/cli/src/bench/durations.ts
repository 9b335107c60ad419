/** Buckets grow by this: a percentile is told up to 2 % too large. */
const GROWTH = 1.02;
/** The upper end of the first bucket, in ms; the last one ends beyond an hour. */
const FIRST_MS = 0.001;
const BUCKETS = Math.ceil(Math.log(3_600_000 / FIRST_MS) / Math.log(GROWTH)) + 1;

/** Durations, counted in buckets: its memory does not grow with their number. */
export class Durations {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bucket = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH));
    const index = Math.min(bucket, BUCKETS - 1);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** What this part of them does not exceed (0.5: the median), in ms, up to 2 % too large; 0 when there are none. */
  percentileMs(part: number): number {
    const wanted = Math.ceil(part * this.#count);
    let passed = 0;
    for (const [index, count] of this.#buckets.entries()) {
      passed += count;
      if (passed >= wanted && passed > 0) return Math.min(FIRST_MS * GROWTH ** index, this.#maxMs);
    }
    return 0;
  }
}
