/** What stands in a wheel: it is due at this tick, which may be moved on at any time without telling the wheel. */
export interface Due {
  dueTick: number;
}

/**
 * Deadlines that are mostly moved before they come: moving one costs a number written. Each item lies in the bucket of the tick at which it was
 * due when it was put there; when that tick comes, what was moved meanwhile is put into a later bucket. No timer, no heap, no order within a tick.
 */
export class DeadlineWheel<T extends Due> {
  readonly #buckets = new Map<number, T[]>();
  #tick = 0;

  /** The last tick that was passed to `advance`. */
  get tick(): number {
    return this.#tick;
  }

  /** Puts an item in. It must be due after the present tick, and not be in the wheel. */
  add(item: T): void {
    const tick = Math.max(item.dueTick, this.#tick + 1);
    const bucket = this.#buckets.get(tick);
    if (bucket === undefined) this.#buckets.set(tick, [item]);
    else bucket.push(item);
  }

  /** Goes on to `tick` and takes out what is due by then. `dead` items are dropped wherever they are met. */
  advance(tick: number, dead: (item: T) => boolean): T[] {
    const due: T[] = [];
    while (this.#tick < tick) {
      this.#tick += 1;
      const bucket = this.#buckets.get(this.#tick);
      if (bucket === undefined) continue;
      this.#buckets.delete(this.#tick);
      for (const item of bucket) {
        if (dead(item)) continue;
        if (item.dueTick <= this.#tick) due.push(item);
        else this.add(item);
      }
    }
    return due;
  }

  clear(): void {
    this.#buckets.clear();
  }
}
