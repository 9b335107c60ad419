import type { Problem } from '../calls/call-failure.js';
import { backoffMs } from './backoff.js';

/** Why a call may go: nothing is wrong, or it is the one that finds out whether something still is. */
export type Pass = 'closed' | 'probe';

/**
 * Holds calls back while no server serves them. A client may have a thousand calls in flight when a leader dies; they must not
 * all come back at once, again and again, to servers that are busy with an election. So one at a time is let through, at
 * growing intervals, and when one succeeds all follow.
 *
 * One timer, whatever the number of calls.
 */
export class Breaker {
  readonly #waiting = new Set<(pass: Pass) => void>();
  /** What the last call met that was not served: calls that never get their turn tell it. */
  problem: Problem | undefined;
  #open = false;
  #failures = 0;
  #nextProbeAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  get open(): boolean {
    return this.#open;
  }

  /** A call was not served. The first to say so may itself probe at once. */
  trip(): void {
    if (this.#open) return;
    this.#open = true;
    this.#failures = 0;
    this.#nextProbeAtMs = 0;
  }

  /** A call was served: everybody goes. */
  reset(): void {
    if (!this.#open) return;
    this.#open = false;
    this.problem = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const released = [...this.#waiting];
    this.#waiting.clear();
    for (const release of released) release('closed');
  }

  /** Goes at once if that is allowed. */
  tryPass(): Pass | undefined {
    if (!this.#open) return 'closed';
    if (this.#waiting.size > 0 || performance.now() < this.#nextProbeAtMs) return undefined;
    this.#countProbe();
    return 'probe';
  }

  /** Waits for its turn. Returns how to leave the queue before that. */
  wait(release: (pass: Pass) => void): () => void {
    this.#waiting.add(release);
    this.#arm();
    return () => this.#waiting.delete(release);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(0, this.#nextProbeAtMs - performance.now()));
  }

  #onTimer(): void {
    this.#timer = undefined;
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#waiting.delete(first);
    this.#countProbe();
    this.#arm();
    first('probe');
  }

  #countProbe(): void {
    this.#failures += 1;
    this.#nextProbeAtMs = performance.now() + backoffMs(this.#failures);
  }
}
