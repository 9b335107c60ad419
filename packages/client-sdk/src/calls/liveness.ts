import type { Endpoint } from '../routing/endpoint.js';

/** Times in a row that a server which shows life and answers nothing is waited for. */
const QUIET_PERIODS_MAX = 8;

/**
 * Tells, for one attempt, a server that is dead from one that is busy. To give up on a busy one and send the same again would make it
 * busier still, until it serves nobody: so while it answers anything, it is waited for. When it is silent, its connection is asked for a
 * sign of life; without one it is dead, and with one it is waited for some more.
 */
export class Liveness {
  readonly #endpoint: Endpoint;
  readonly #periodMs: number;
  #silentSinceMs = performance.now();
  #quietPeriods = 0;

  /** @param periodMs - How often {@link Liveness.mayGoOn} will be asked; a dead server is found out in two. */
  constructor(endpoint: Endpoint, periodMs: number) {
    this.#endpoint = endpoint;
    this.#periodMs = periodMs;
  }

  /** Whether to wait for another period. */
  mayGoOn(): boolean {
    const { channel } = this.#endpoint;
    if (this.#endpoint.answeredSince(this.#silentSinceMs)) {
      this.#silentSinceMs = performance.now();
      this.#quietPeriods = 0;
      return true;
    }
    this.#quietPeriods += 1;
    const alive = channel.aliveAtMs >= this.#silentSinceMs;
    if (this.#quietPeriods > 1 && (!alive || this.#quietPeriods >= QUIET_PERIODS_MAX)) return false;
    channel.probe(this.#periodMs);
    return true;
  }
}
