import type { CallContext, Ended } from './call-context.js';

export interface AdmissionQueueOptions {
  /** Calls let in at a time. */
  readonly inFlightMax: number;
  /** Bytes of theirs, at most; one call alone may be larger. */
  readonly bytesInFlightMax: number;
  /** Calls that wait. */
  readonly queuedMax: number;
  /** Bytes of theirs. */
  readonly bytesQueuedMax: number;
  /** A further condition for letting the next one in. It is asked again whenever somebody leaves. Default: none. */
  readonly mayEnter?: (() => boolean) | undefined;
}

interface Waiting {
  readonly bytes: number;
  readonly admit: (value: true) => void;
}

/** Bounds how many calls are under way, and how many wait for that, and their bytes: first come, first served. */
export class AdmissionQueue {
  readonly #options: AdmissionQueueOptions;
  readonly #waiting = new Set<Waiting>();
  #inFlight = 0;
  #bytesInFlight = 0;
  #bytesWaiting = 0;

  constructor(options: AdmissionQueueOptions) {
    this.#options = options;
  }

  /** Comes in at once, if there is room and nobody waits. */
  tryEnter(bytes: number): boolean {
    if (this.#waiting.size > 0 || !this.#hasRoom(bytes)) return false;
    this.#admit(bytes);
    return true;
  }

  /**
   * Waits for room.
   *
   * @returns `entered`; or, without having come in: `full` when too many wait, or why the wait ended.
   */
  async enter(context: CallContext, bytes: number): Promise<'entered' | 'full' | Ended> {
    const { queuedMax, bytesQueuedMax } = this.#options;
    if (this.#waiting.size >= queuedMax || this.#bytesWaiting + bytes > bytesQueuedMax) return 'full';
    const waited = await context.wait<true>(Number.POSITIVE_INFINITY, (admit) => {
      const waiting = { bytes, admit };
      this.#waiting.add(waiting);
      this.#bytesWaiting += bytes;
      return () => {
        this.#forget(waiting);
        // It may have been too large for the room that the next one fits in.
        this.#admitWaiting();
      };
    });
    return waited.kind === 'result' ? 'entered' : waited.kind;
  }

  /** Somebody who came in, with as many bytes, has ended. */
  leave(bytes: number): void {
    this.#inFlight -= 1;
    this.#bytesInFlight -= bytes;
    this.#admitWaiting();
  }

  #admitWaiting(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasRoom(waiting.bytes)) return;
      this.#forget(waiting);
      this.#admit(waiting.bytes);
      waiting.admit(true);
    }
  }

  #admit(bytes: number): void {
    this.#inFlight += 1;
    this.#bytesInFlight += bytes;
  }

  #forget(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.#bytesWaiting -= waiting.bytes;
  }

  #hasRoom(bytes: number): boolean {
    const { inFlightMax, bytesInFlightMax, mayEnter } = this.#options;
    if (this.#inFlight >= inFlightMax) return false;
    if (this.#inFlight > 0 && this.#bytesInFlight + bytes > bytesInFlightMax) return false;
    return mayEnter?.() ?? true;
  }
}
