import { withResolvers, type Resolvers } from '../calls/with-resolvers.js';
import type { HandoutOwner } from './handout.js';
import type { StepBuffer, StepConsumer } from './step-buffer.js';
import type { WatchStep } from './watch.js';

/** Nothing left of a step. */
const NOTHING: readonly never[] = [];

/**
 * Calls a listener with what comes into a buffer, item by item: at once, as it comes, while the listener returns nothing; where it returns a promise, what comes
 * meanwhile waits in the buffer. The same as a {@link Handout} without its promises, which are most of what an event costs where hundreds of watches hear of it.
 */
export class Callout<T> implements StepConsumer {
  readonly #buffer: StepBuffer;
  readonly #itemsOf: (step: WatchStep) => readonly T[];
  readonly #listener: (item: T) => unknown;
  readonly #owner: HandoutOwner;
  readonly #over: Resolvers<void> = withResolvers();
  /** What is left of a step whose listener is waited for. */
  #items: readonly T[] = NOTHING;
  #next = 0;
  #zxid = 0n;
  /** The listener is being called, or is waited for, or is called no more: what comes is for the buffer. So it is until the first turn, too. */
  #busy = true;

  constructor(
    buffer: StepBuffer,
    itemsOf: (step: WatchStep) => readonly T[],
    listener: (item: T) => unknown,
    owner: HandoutOwner,
  ) {
    this.#buffer = buffer;
    this.#itemsOf = itemsOf;
    this.#listener = listener;
    this.#owner = owner;
    buffer.consumer = this;
    // Never from within the call that makes it: its caller has nothing in hand yet.
    queueMicrotask(this.#goOn);
  }

  /** Resolves when the watch has ended in order; rejects with its error, or with what the listener threw. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** The listener, when nothing is waited for and all that came was told: then it may as well be called by others, see {@link DirectRun}. */
  get idle(): ((item: T) => unknown) | undefined {
    return this.#busy ? undefined : this.#listener;
  }

  /** The listener is being called by another one; `onAnswer` or `onThrown` follow. */
  onCalled(): void {
    this.#busy = true;
  }

  onAnswer(answer: unknown): void {
    this.#busy = true;
    if (isThenable(answer)) Promise.resolve(answer).then(this.#goOn, this.#fail);
    else this.#goOn();
  }

  onThrown(error: unknown): void {
    this.#fail(error);
  }

  accept(step: WatchStep): boolean {
    if (this.#busy) return false;
    this.#busy = true;
    if (this.#begin(step)) this.#goOn();
    return true;
  }

  onEnd(): void {
    // Else it is seen when the listener is done.
    if (!this.#busy) this.#finish();
  }

  /** What is left, then what waits in the buffer, and then the end, if it has come. */
  readonly #goOn = (): void => {
    const items = this.#items;
    this.#items = NOTHING;
    let goesOn = this.#call(items, this.#next, this.#zxid);
    while (goesOn) {
      const step = this.#buffer.take();
      if (step === undefined) {
        this.#busy = false;
        if (this.#buffer.ended !== undefined) this.#finish();
        return;
      }
      goesOn = this.#begin(step);
    }
  };

  #begin(step: WatchStep): boolean {
    const items = this.#itemsOf(step);
    // Of a mark of progress nothing is handed out.
    if (items.length === 0) this.#owner.onHandedOut(step.zxid);
    return this.#call(items, 0, step.zxid);
  }

  /** False when the listener is waited for, or has thrown. */
  #call(items: readonly T[], from: number, zxid: bigint): boolean {
    for (let next = from; next < items.length; next += 1) {
      if (next + 1 === items.length) this.#owner.onHandedOut(zxid);
      try {
        const answer = this.#listener(items[next]!);
        if (answer === undefined || !isThenable(answer)) continue;
        this.#items = items;
        this.#next = next + 1;
        this.#zxid = zxid;
        Promise.resolve(answer).then(this.#goOn, this.#fail);
      } catch (error) {
        this.#fail(error);
      }
      return false;
    }
    return true;
  }

  /** The listener has failed: nothing more is told, and the watch ends. */
  readonly #fail = (error: unknown): void => {
    this.#busy = true;
    this.#items = NOTHING;
    this.#owner.onLeft();
    this.#over.reject(error);
  };

  #finish(): void {
    this.#busy = true;
    const error = this.#buffer.ended?.error;
    this.#owner.onLeft();
    if (error === undefined) this.#over.resolve();
    else this.#over.reject(error);
  }
}

/** Whether what a listener returned is to be waited for. */
export function isThenable(value: unknown): boolean {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}
