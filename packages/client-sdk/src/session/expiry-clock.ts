/** The share of the timeout by which a session is over here earlier than there: clocks may run at speeds that differ by less. */
const MARGIN = 0.05;

/**
 * When a session is over, as its client must assume: counted from when the last sign of life that the leader confirmed was *sent*, on a clock
 * that never jumps. The leader began to count after that moment, and so ends later. Pure: it is told the time.
 */
export class ExpiryClock {
  readonly timeoutMs: number;
  /** When the signs of life were sent, by their number, from the first that is not confirmed. */
  readonly #sentAtMs = new Map<number, number>();
  #lastNumber = 0;
  #confirmedNumber = 0;
  #aliveAtMs: number;

  /** @param aliveAtMs - When the request was sent that opened the session. */
  constructor(timeoutMs: number, aliveAtMs: number) {
    this.timeoutMs = timeoutMs;
    this.#aliveAtMs = aliveAtMs;
  }

  /** On the clock of `performance.now()`. */
  get expiresAtMs(): number {
    return this.#aliveAtMs + this.timeoutMs * (1 - MARGIN);
  }

  /** Whether some sign of life is not confirmed. */
  get isWaiting(): boolean {
    return this.#lastNumber > this.#confirmedNumber;
  }

  /** A sign of life is sent now. Answers with its number. */
  sent(nowMs: number): number {
    this.#lastNumber += 1;
    this.#sentAtMs.set(this.#lastNumber, nowMs);
    return this.#lastNumber;
  }

  /** The leader has counted all signs of life up to this one. What was never sent confirms nothing. */
  confirmed(number: number): void {
    if (number > this.#lastNumber || number <= this.#confirmedNumber) return;
    const sentAtMs = this.#sentAtMs.get(number);
    for (let at = this.#confirmedNumber + 1; at <= number; at += 1) this.#sentAtMs.delete(at);
    this.#confirmedNumber = number;
    if (sentAtMs !== undefined) this.attached(sentAtMs);
  }

  /** The leader has counted a hello that was sent at that time. */
  attached(sentAtMs: number): void {
    if (sentAtMs > this.#aliveAtMs) this.#aliveAtMs = sentAtMs;
  }

  /** The stream is gone: what was sent on it and not confirmed will not be. */
  detached(): void {
    this.#sentAtMs.clear();
    this.#confirmedNumber = this.#lastNumber;
  }
}
