import type { Operation } from './operation.js';

/** How much later than its deadline an operation may be told of it, in milliseconds. */
const COARSENESS_MS = 5;

/** The operations of one timeout: in the order in which they were added, which is that of their deadlines. */
interface Lane {
  first: Operation | undefined;
  last: Operation | undefined;
}

/**
 * The deadlines of many operations with one timer. Operations of one timeout stand in one list, which is in order by itself; a client has
 * few timeouts, so that nothing is ever sorted and most operations come and go without the timer being touched.
 */
export class Deadlines {
  readonly #lanes = new Map<number, Lane>();
  readonly #onDue: (operation: Operation) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;
  #count = 0;

  constructor(onDue: (operation: Operation) => void) {
    this.#onDue = onDue;
  }

  add(operation: Operation, nowMs: number): void {
    const { timeoutMs } = operation;
    operation.deadlineAtMs = nowMs + timeoutMs;
    let lane = this.#lanes.get(timeoutMs);
    if (lane === undefined) {
      lane = { first: undefined, last: undefined };
      this.#lanes.set(timeoutMs, lane);
    }
    operation.earlier = lane.last;
    if (lane.last === undefined) lane.first = operation;
    else lane.last.later = operation;
    lane.last = operation;
    if (operation.deadlineAtMs < this.#armedForMs) this.#arm(operation.deadlineAtMs, nowMs);
    this.#count += 1;
    if (this.#count === 1) this.#keepAlive(true);
  }

  /** Takes it out. Does nothing when it is not in. */
  remove(operation: Operation): void {
    const lane = this.#lanes.get(operation.timeoutMs);
    if (lane === undefined) return;
    const { earlier, later } = operation;
    if (earlier === undefined && lane.first !== operation) return;
    if (earlier === undefined) lane.first = later;
    else earlier.later = later;
    if (later === undefined) lane.last = earlier;
    else later.earlier = earlier;
    operation.earlier = undefined;
    operation.later = undefined;
    this.#count -= 1;
    if (this.#count === 0) this.#keepAlive(false);
    // The common timeout's list is kept while the timer is: it is empty between any two calls.
    if (lane.first === undefined && this.#lanes.size > 1) this.#lanes.delete(operation.timeoutMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(atMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#armedForMs = atMs;
    this.#timer = setTimeout(() => this.#onTimer(), Math.ceil(atMs - nowMs) + COARSENESS_MS);
    if (this.#count === 0) this.#keepAlive(false);
  }

  /** The timer stays when the last operation ends, because the next one needs it again; it must not keep an idle process alive. */
  #keepAlive(on: boolean): void {
    const timer = this.#timer as { ref?: () => void; unref?: () => void } | undefined;
    if (on) timer?.ref?.();
    else timer?.unref?.();
  }

  #onTimer(): void {
    const nowMs = performance.now();
    this.#armedForMs = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const lane of [...this.#lanes.values()]) {
      for (let first = lane.first; first !== undefined && first.deadlineAtMs <= nowMs; first = lane.first) {
        this.remove(first);
        this.#onDue(first);
      }
      if (lane.first !== undefined) nextMs = Math.min(nextMs, lane.first.deadlineAtMs);
    }
    if (nextMs < this.#armedForMs) this.#arm(nextMs, nowMs);
  }
}
