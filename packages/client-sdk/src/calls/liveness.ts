import type { Endpoint } from '../routing/endpoint.js';

/** Times in a row that a server which shows life and answers nothing is waited for. */
const QUIET_PERIODS_MAX = 8;
/** How often a server that owes an answer is looked at, in milliseconds. */
const LOOK_MS = 150;
/** Looks in a row that found nothing, before others are asked who leads: followers take no less than 500 ms to elect another leader. */
const SUSPECT_LOOKS = 4;

/** `suspect`: it shows no sign of life, for too short a time to be given up on that alone. */
export type Health = 'well' | 'suspect' | 'dead';

/**
 * Tells, for one attempt, a server that is dead from one that is busy. To give up on a busy one and send the same again would make it
 * busier still, until it serves nobody: so while it answers anything, it is waited for. When it is silent, its connection is asked for a
 * sign of life; without one it is dead, and with one it is waited for some more.
 */
export class Liveness {
  readonly #endpoint: Endpoint;
  readonly #periodMs: number;
  readonly #looksPerPeriod: number;
  #silentSinceMs = performance.now();
  #quietPeriods = 0;
  #lookedAtMs = this.#silentSinceMs;
  #looks = 0;
  #quietLooks = 0;

  /** @param silenceMs - A server that gives no sign of life for this long, or half as long again, is dead. */
  constructor(endpoint: Endpoint, silenceMs: number) {
    this.#endpoint = endpoint;
    this.#periodMs = silenceMs / 2;
    this.#looksPerPeriod = Number.isFinite(silenceMs) ? Math.ceil(this.#periodMs / LOOK_MS) : 1;
  }

  /** How often {@link Liveness.look} is to be asked, in milliseconds. */
  get lookEveryMs(): number {
    return this.#periodMs / this.#looksPerPeriod;
  }

  /** What became of the server since it was looked at last. */
  look(): Health {
    const { channel } = this.#endpoint;
    const heard = this.#endpoint.answeredSince(this.#lookedAtMs) || channel.aliveAtMs >= this.#lookedAtMs;
    this.#lookedAtMs = performance.now();
    this.#quietLooks = heard ? 0 : this.#quietLooks + 1;
    this.#looks += 1;
    if (this.#looks % this.#looksPerPeriod === 0 && !this.#mayGoOn()) return 'dead';
    if (this.#quietLooks === 1) channel.probe(2 * this.#periodMs);
    return this.#quietLooks >= SUSPECT_LOOKS ? 'suspect' : 'well';
  }

  /** Whether to wait for another period; a dead server is found out in two. */
  #mayGoOn(): boolean {
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
