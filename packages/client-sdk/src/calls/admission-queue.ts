import type { CallContext, Ended } from './call-context.js';

export interface AdmissionQueueOptions {
  /** Calls let in at a time. */
  readonly inFlightMax: number;
  /** Calls that wait. */
  readonly queuedMax: number;
  /** A further condition for letting the next one in. It is asked again whenever somebody leaves. Default: none. */
  readonly mayEnter?: (() => boolean) | undefined;
}

/** Bounds how many calls are under way, and how many wait for that: first come, first served. */
export class AdmissionQueue {
  readonly #options: AdmissionQueueOptions;
  readonly #waiting = new Set<(value: true) => void>();
  #inFlight = 0;

  constructor(options: AdmissionQueueOptions) {
    this.#options = options;
  }

  /** Comes in at once, if there is room and nobody waits. */
  tryEnter(): boolean {
    if (this.#waiting.size > 0 || !this.#hasRoom()) return false;
    this.#inFlight += 1;
    return true;
  }

  /**
   * Waits for room.
   *
   * @returns `entered`; or, without having come in: `full` when too many wait, or why the wait ended.
   */
  async enter(context: CallContext): Promise<'entered' | 'full' | Ended> {
    if (this.#waiting.size >= this.#options.queuedMax) return 'full';
    const waited = await context.wait<true>(Number.POSITIVE_INFINITY, (resolve) => {
      this.#waiting.add(resolve);
      return () => this.#waiting.delete(resolve);
    });
    return waited.kind === 'result' ? 'entered' : waited.kind;
  }

  /** Somebody who came in has ended. */
  leave(): void {
    this.#inFlight -= 1;
    for (const admit of this.#waiting) {
      if (!this.#hasRoom()) return;
      this.#waiting.delete(admit);
      this.#inFlight += 1;
      admit(true);
    }
  }

  #hasRoom(): boolean {
    return this.#inFlight < this.#options.inFlightMax && (this.#options.mayEnter?.() ?? true);
  }
}
