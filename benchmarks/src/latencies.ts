/** Durations, many of them, and what is to be said of them. */
export class Latencies {
  #values = new Float64Array(1 << 16);
  #count = 0;

  add(ms: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = ms;
  }

  get count(): number {
    return this.#count;
  }

  /** The smallest durations that these parts of all are not above, such as 0.5 for the median; NaN when there are none. */
  percentiles(...parts: readonly number[]): number[] {
    const sorted = this.#values.slice(0, this.#count).sort();
    return parts.map((part) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN);
  }
}
