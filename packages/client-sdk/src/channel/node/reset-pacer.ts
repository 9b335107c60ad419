/** Resets sent at once, at most, and how many more a second. Servers take a flood of them for an attack, and end the connection. */
const BURST = 250;
const PER_SECOND = 50;

/**
 * Resets streams that nobody waits for any more, no faster than servers bear. A stream that ends by itself before its turn needs none.
 */
export class ResetPacer {
  readonly #waiting = new Set<() => void>();
  #tokens = BURST;
  #refilledAtMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Resets the stream, now or later. Returns how to take that back. */
  reset(resetStream: () => void): () => void {
    this.#refill();
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      resetStream();
      return () => undefined;
    }
    this.#waiting.add(resetStream);
    this.#arm();
    return () => this.#waiting.delete(resetStream);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #refill(): void {
    const nowMs = performance.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((nowMs - this.#refilledAtMs) * PER_SECOND) / 1_000);
    this.#refilledAtMs = nowMs;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => this.#onTimer(), 1_000 / PER_SECOND);
    this.#timer.unref();
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#refill();
    for (const resetStream of this.#waiting) {
      if (this.#tokens < 1) break;
      this.#tokens -= 1;
      this.#waiting.delete(resetStream);
      resetStream();
    }
    this.#arm();
  }
}
