import { WriteNumbers } from './write-numbers.js';

/**
 * The cluster forgets a client that wrote nothing for ten minutes, and then refuses its next write, because it cannot know any more
 * what it has applied. A client that was silent for half of that, with nothing open, begins anew with another id instead.
 */
const SILENCE_MAX_MS = 300_000;

/** Who a client is for the cluster's exactly-once table, at present. */
export class WriteIdentity {
  #numbers = new WriteNumbers(randomClientId());
  #lastWriteAtMs = performance.now();

  get numbers(): WriteNumbers {
    return this.#numbers;
  }

  /** The numbers to take one from now. */
  numbersForNextWrite(nowMs = performance.now()): WriteNumbers {
    const silentMs = nowMs - this.#lastWriteAtMs;
    this.#lastWriteAtMs = nowMs;
    if (silentMs > SILENCE_MAX_MS && this.#numbers.span === 0 && this.#numbers.taken > 0) this.replace(this.#numbers);
    return this.#numbers;
  }

  /** The cluster has forgotten this client: later writes have another id. Those under way with the old one end by themselves. */
  replace(forgotten: WriteNumbers): void {
    if (this.#numbers === forgotten) this.#numbers = new WriteNumbers(randomClientId());
  }
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 22 characters of 6 random bits each. */
export function randomClientId(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(22));
  return Array.from(bytes, (byte) => BASE64URL[byte & 63]).join('');
}
