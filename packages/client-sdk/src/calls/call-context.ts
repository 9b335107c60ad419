import type { AbortListeners } from './abort-listeners.js';

/** Why a wait ended without a result. */
export type Ended = 'elapsed' | 'aborted' | 'closed';

/** What a wait came to. */
export type Waited<T> = { readonly kind: 'result'; readonly value: T } | { readonly kind: Ended };

/** Starts something that can be waited for, and returns how to give it up. */
export type StartWait<T> = (resolve: (value: T) => void) => () => void;

/** Where a client finds its calls. */
export interface CallOwner {
  readonly active: Set<CallContext>;
  readonly abortListeners: AbortListeners;
}

/**
 * The time and the interruptions of one call: its deadline, its caller's signal, and the end of the client. A call waits for one
 * thing at a time, so it needs one timer and one listener, whatever it goes through.
 */
export class CallContext {
  readonly timeoutMs: number;
  readonly #deadlineAtMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #owner: CallOwner;
  #interrupted: 'aborted' | 'closed' | undefined;
  #onInterrupt: (() => void) | undefined;

  constructor(timeoutMs: number, signal: AbortSignal | undefined, owner: CallOwner) {
    this.timeoutMs = timeoutMs;
    this.#deadlineAtMs = performance.now() + timeoutMs;
    this.#owner = owner;
    this.#signal = signal;
    owner.active.add(this);
    if (signal?.aborted === true) this.#interrupted = 'aborted';
    else if (signal !== undefined) owner.abortListeners.add(signal, this);
  }

  get abortReason(): unknown {
    return this.#signal?.reason as unknown;
  }

  get interrupted(): 'aborted' | 'closed' | undefined {
    return this.#interrupted;
  }

  /** 0 when the deadline has passed, or is less than a millisecond away: timers know no less. */
  get remainingMs(): number {
    const remainingMs = this.#deadlineAtMs - performance.now();
    return remainingMs < 1 ? 0 : remainingMs;
  }

  /**
   * Waits for a result, at most `limitMs` and never beyond the deadline.
   *
   * @param start - Called at once. What it returns is called when the wait ends before the result.
   * @param mayGoOn - Asked when `limitMs` has passed: true waits for as long again. Default: no.
   */
  wait<T>(limitMs: number, start: StartWait<T>, mayGoOn?: () => boolean): Promise<Waited<T>> {
    if (this.#interrupted !== undefined) return Promise.resolve({ kind: this.#interrupted });
    return new Promise((resolve, reject) => {
      let giveUp: (() => void) | undefined = undefined;
      const end = (waited: Waited<T>): void => {
        clearTimeout(timer);
        this.#onInterrupt = undefined;
        if (waited.kind !== 'result') giveUp?.();
        resolve(waited);
      };
      let dueAtMs = 0;
      const startPeriod = (): void => {
        dueAtMs = performance.now() + Math.min(limitMs, this.remainingMs);
        arm();
      };
      const arm = (): void => {
        timer = setTimeout(onElapsed, Math.ceil(dueAtMs - performance.now()));
      };
      const onElapsed = (): void => {
        // Timers count from when the event loop last looked at the clock, and so are early in a process that was busy.
        if (performance.now() < dueAtMs) arm();
        else if (this.remainingMs > 0 && mayGoOn?.() === true) startPeriod();
        else end({ kind: 'elapsed' });
      };
      let timer: ReturnType<typeof setTimeout> | undefined = undefined;
      startPeriod();
      this.#onInterrupt = () => end({ kind: this.#interrupted ?? 'closed' });
      try {
        giveUp = start((value) => end({ kind: 'result', value }));
      } catch (error) {
        clearTimeout(timer);
        this.#onInterrupt = undefined;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** Waits for nothing but time. */
  async pause(ms: number): Promise<Ended> {
    const waited = await this.wait<never>(ms, () => () => undefined);
    return waited.kind === 'result' ? 'elapsed' : waited.kind;
  }

  interrupt(reason: 'aborted' | 'closed'): void {
    this.#interrupted ??= reason;
    this.#onInterrupt?.();
  }

  /** Ends the context. Must be called once the call has ended. */
  dispose(): void {
    this.#owner.active.delete(this);
    if (this.#signal !== undefined) this.#owner.abortListeners.remove(this.#signal, this);
  }
}
