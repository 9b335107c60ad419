import type { WriteId } from '@zkl/wire';
import { randomClientId } from '../writes/write-identity.js';

/** See WriteIdentity: half of the time after which the cluster forgets a client that is silent. */
const SILENCE_MAX_MS = 300_000;

/**
 * The numbers of a link's writes. They are sent ordered: the cluster takes a number only when it has the one before. Replies come in order
 * too, so that one counter says what was answered.
 */
export class LinkIdentity {
  #clientId = randomClientId();
  #next = 1;
  #answeredThrough = 0;
  #lastWriteAtMs = performance.now();

  /** Takes the number of a write that is sent for the first time. */
  take(nowMs: number): number {
    const isIdle = this.#answeredThrough === this.#next - 1;
    if (isIdle && this.#next > 1 && nowMs - this.#lastWriteAtMs > SILENCE_MAX_MS) this.renew();
    this.#lastWriteAtMs = nowMs;
    this.#next += 1;
    return this.#next - 1;
  }

  /** This write, and so all before it, will not be sent again. */
  answered(number: number): void {
    if (number > this.#answeredThrough) this.#answeredThrough = number;
  }

  writeId(number: number): WriteId {
    return { clientId: this.#clientId, requestId: number, answeredThrough: this.#answeredThrough };
  }

  /** Another client for the cluster, from now on. Nothing that was sent in the old one's name may be sent again. */
  renew(): void {
    this.#clientId = randomClientId();
    this.#next = 1;
    this.#answeredThrough = 0;
  }
}
