import type { WatchBatch } from '@zkl/protocol';
import type { WatchStep } from './watch.js';

/** A batch for all watches of a link that it names. What it says is made once for all of them that want the same of it, not once for each. */
export class SharedBatch {
  readonly batch: WatchBatch;
  #key: string | undefined;
  #step: WatchStep | undefined;

  constructor(batch: WatchBatch) {
    this.batch = batch;
  }

  /** @param key - Of watches that have one, `make` makes the same. */
  step(key: string, make: (batch: WatchBatch) => WatchStep): WatchStep {
    if (this.#step === undefined || this.#key !== key) {
      this.#key = key;
      this.#step = make(this.batch);
    }
    return this.#step;
  }
}
