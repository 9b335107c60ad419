interface Event {
  readonly time: number;
  /** Events of the same time happen in the order in which they were asked for. */
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: events in the order of their time. Time is counted in units of which a nominal tick has `UNITS_PER_TICK`. */
export class EventQueue {
  readonly #heap: Event[] = [];
  #now = 0;
  #order = 0;

  /** The time of the event that happens now. */
  get now(): number {
    return this.#now;
  }

  /** Calls `run` after `delay` units (at least 0). */
  after(delay: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ time: this.#now + delay, order: this.#order++, run });
    this.#siftUp(heap.length - 1);
  }

  /** Lets the next event happen; false when none happens at or before `until`. */
  runNext(until: number): boolean {
    const heap = this.#heap;
    const next = heap[0];
    if (next === undefined || next.time > until) return false;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.#siftDown();
    }
    this.#now = next.time;
    next.run();
    return true;
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    const event = heap[from]!;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const event = heap[0]!;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(event, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = event;
  }
}

/** A nominal tick of a server's clock, in units of virtual time. */
export const UNITS_PER_TICK = 100;

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
