import type { Clock } from './ports.js';

/** Of the time, at most one part in so many goes into the work on the event loop that is paced. */
const WORK_PARTS = 5;
/** No single piece is paid for with more than this: a pause of the machine is not work. */
const WORK_WAIT_MS_MAX = 100;
/** Time that passed since a piece was paid for is credited up to this: what the disk took of it is not to be waited for twice. */
const CREDIT_MS_MAX = 25;
/** Waits below this are not worth a timer: the debt is kept, and grows into one that is. */
const WAIT_MS_MIN = 2;
/** A log that has not grown for so long is at rest, and the pace may be so many times as high. */
const REST_MS = 250;
const REST_FACTOR = 4;

export interface PacerOptions {
  readonly clock: Pick<Clock, 'monotonicMs' | 'every'>;
  /** How fast, while the log grows. */
  readonly bytesPerSecond: number;
  /** Bytes of log; falls now and then, when a snapshot was taken. */
  readonly logBytes: () => number;
}

/**
 * Spreads over time what is done beside serving: pieces of snapshots, saved or sent. One budget for all of them together.
 *
 * - So many bytes a second while the log grows, and four times as many when it rests: then nobody is there to feel it.
 * - Each byte of log allows one more. So what is copied for a snapshot because it is about to be overwritten never gathers in memory, and a
 *   transfer is never slower than what it has to catch up with.
 * - At most a fifth of the time for work on the event loop: a slow or busy machine goes slower.
 */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #waking = new Set<() => void>();
  /** What was done until now is paid for at this time. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #logBytes: number;
  #grewMs: number;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#logBytes = options.logBytes();
    this.#grewMs = options.clock.monotonicMs();
  }

  /** Resolves when the next piece may be begun: after one of so many bytes, which kept the event loop for `workMs`. */
  async pay(bytes: number, workMs = 0): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const grown = this.#growth(nowMs);
    const isAtRest = nowMs - this.#grewMs > REST_MS;
    const rate = this.#options.bytesPerSecond * (isAtRest ? REST_FACTOR : 1);
    const bytesMs = (Math.max(0, bytes - grown) / rate) * 1_000;
    const restMs = Math.min(workMs * (WORK_PARTS - 1), WORK_WAIT_MS_MAX);
    this.#dueMs = Math.max(Math.max(this.#dueMs, nowMs - CREDIT_MS_MAX) + bytesMs, nowMs + restMs);
    const waitMs = this.#dueMs - nowMs;
    if (waitMs >= WAIT_MS_MIN) await this.#wait(waitMs);
  }

  /** Ends all waits now. */
  wake(): void {
    for (const wake of this.#waking) wake();
  }

  #growth(nowMs: number): number {
    const bytes = this.#options.logBytes();
    const grown = Math.max(0, bytes - this.#logBytes);
    this.#logBytes = bytes;
    if (grown > 0) this.#grewMs = nowMs;
    return grown;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#waking.delete(end);
        resolve();
      };
      const cancel = this.#options.clock.every(ms, end);
      this.#waking.add(end);
    });
  }
}
