/**
 * The only source of chance in a simulation: sfc32 (Chris Doty-Humphrey, PractRand), seeded through splitmix32. The same seed gives the same
 * numbers on every machine, because it uses 32-bit integer arithmetic only.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed`: a whole number, 0 .. 2^53 - 1. `stream`: numbers of different streams of one seed have nothing in common. */
  constructor(seed: number, stream = 0) {
    let state = (seed ^ Math.imul(stream, 0x9e37_79b9)) | 0;
    const mix = (): number => {
      state = (state + 0x9e37_79b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
      return z ^ (z >>> 16);
    };
    this.#a = mix() ^ Math.floor(seed / 0x1_0000_0000);
    this.#b = mix();
    this.#c = mix();
    for (let i = 0; i < 12; i++) this.#next();
  }

  /** 0 <= fraction < 1. */
  readonly fraction = (): number => this.#next() / 0x1_0000_0000;

  /** A whole number, 0 <= result < `bound`. */
  below(bound: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * bound);
  }

  /** A whole number, `low` <= result <= `high`. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.#next() < probability * 0x1_0000_0000;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
