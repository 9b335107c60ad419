import { withResolvers } from '../calls/with-resolvers.js';
import type { StepBuffer } from './step-buffer.js';
import type { WatchStep } from './watch.js';

/** Whose steps are handed out. */
export interface HandoutOwner {
  /** All of the step that has this zxid was handed out. */
  onHandedOut(zxid: bigint): void;
  /** The consumer left, or all was handed out. */
  onLeft(): void;
}

/**
 * Hands out what comes into a buffer, item by item, to one consumer. By hand rather than by an async generator: where hundreds of watches hear of one change,
 * a generator's promises are most of what each of them costs.
 */
export class Handout<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #buffer: StepBuffer;
  readonly #itemsOf: (step: WatchStep) => readonly T[];
  readonly #owner: HandoutOwner;
  #items: readonly T[] = [];
  #next = 0;
  #zxid = 0n;
  /** The call of `next` that waits. */
  #resolve: ((result: IteratorResult<T, undefined>) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  /** What the next call waits for, when it comes before that one was answered. */
  #last: Promise<unknown> | undefined;
  /** Calls that wait for others. */
  #queued = 0;
  #left = false;

  constructor(buffer: StepBuffer, itemsOf: (step: WatchStep) => readonly T[], owner: HandoutOwner) {
    this.#buffer = buffer;
    this.#itemsOf = itemsOf;
    this.#owner = owner;
    buffer.consumer = { accept: (step) => this.#accept(step), onEnd: () => this.#serve() };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#queued > 0 || this.#resolve !== undefined) return this.#nextInLine();
    const result = this.#nextNow();
    this.#last = result;
    return result;
  }

  #nextNow(): Promise<IteratorResult<T, undefined>> {
    if (this.#left) return Promise.resolve({ value: undefined, done: true });
    if (this.#fill()) return Promise.resolve({ value: this.#take(), done: false });
    const result = new Promise<IteratorResult<T, undefined>>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (this.#buffer.ended !== undefined) this.#serve();
    return result;
  }

  /** Who iterates calls `next` when the last call was answered, and not before; but whoever does otherwise is answered in order. */
  async #nextInLine(): Promise<IteratorResult<T, undefined>> {
    const before = this.#last;
    const { promise, resolve } = withResolvers<void>();
    this.#last = promise;
    this.#queued += 1;
    try {
      await before?.catch(() => undefined);
      return await this.#nextNow();
    } finally {
      this.#queued -= 1;
      resolve();
    }
  }

  /** The consumer leaves. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#leave();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Takes a step for whoever waits, without a detour by the buffer. False when nobody does. */
  #accept(step: WatchStep): boolean {
    if (this.#resolve === undefined) return false;
    this.#begin(step);
    this.#serve();
    return true;
  }

  #serve(): void {
    const [resolve, reject] = [this.#resolve, this.#reject];
    if (resolve === undefined || reject === undefined) return;
    if (this.#fill()) {
      this.#resolve = undefined;
      return resolve({ value: this.#take(), done: false });
    }
    const { ended } = this.#buffer;
    if (ended === undefined) return;
    this.#resolve = undefined;
    if (ended.error === undefined || this.#left) resolve({ value: undefined, done: true });
    else reject(ended.error);
    this.#leave();
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#items = [];
    this.#next = 0;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    this.#owner.onLeft();
    resolve?.({ value: undefined, done: true });
  }

  /** Whether there is an item to take. */
  #fill(): boolean {
    while (this.#next >= this.#items.length) {
      const step = this.#left ? undefined : this.#buffer.take();
      if (step === undefined) return false;
      this.#begin(step);
    }
    return true;
  }

  #begin(step: WatchStep): void {
    this.#items = this.#itemsOf(step);
    this.#next = 0;
    this.#zxid = step.zxid;
    // Of a mark of progress nothing is handed out.
    if (this.#items.length === 0) this.#owner.onHandedOut(step.zxid);
  }

  #take(): T {
    const item = this.#items[this.#next]!;
    this.#next += 1;
    if (this.#next === this.#items.length) this.#owner.onHandedOut(this.#zxid);
    return item;
  }
}
