import type { ResolvedPortLimits } from './port-limits.js';

const CONTROL_WINDOW_MS = 10_000;

/** Counts what a connection may send for nothing (pings, settings): so many in ten seconds. */
export class ControlWindow {
  readonly #max: number;
  #count = 0;
  #sinceMs = performance.now();

  constructor(max: number) {
    this.#max = max;
  }

  /** One more has come. False when it is a flood. */
  admit(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#sinceMs > CONTROL_WINDOW_MS) {
      this.#count = 0;
      this.#sinceMs = nowMs;
    }
    this.#count += 1;
    return this.#count <= this.#max;
  }
}

/** Counts calls that are begun and given up before they are answered (CVE-2023-44487): a token bucket. */
export class ResetBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #atMs = performance.now();

  constructor({ http2ResetBurst, http2ResetsPerSecond }: ResolvedPortLimits) {
    this.#burst = http2ResetBurst;
    this.#perSecond = http2ResetsPerSecond;
    this.#tokens = http2ResetBurst;
  }

  /** One more was given up. False when it is a flood. */
  admit(): boolean {
    const nowMs = performance.now();
    const earned = ((nowMs - this.#atMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned) - 1;
    this.#atMs = nowMs;
    return this.#tokens >= 0;
  }
}
