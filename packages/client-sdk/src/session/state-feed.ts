/**
 * A state that changes and at last ends: for callbacks, which get every change in order, and for iterators, which get the present state and
 * then the newest one each time. An iterator that is slow leaves states out; nothing is kept for it.
 */
export class StateFeed<S> implements AsyncIterable<S> {
  readonly #callbacks = new Set<(state: S) => void>();
  #state: S;
  #changes = 0;
  #ended = false;

  constructor(state: S) {
    this.#state = state;
  }

  get state(): S {
    return this.#state;
  }

  set(state: S): void {
    if (this.#ended || state === this.#state) return;
    this.#state = state;
    this.#changes += 1;
    for (const callback of [...this.#callbacks]) callback(state);
  }

  /** The last state. */
  end(state: S): void {
    this.set(state);
    this.#ended = true;
    const callbacks = [...this.#callbacks];
    this.#callbacks.clear();
    // Iterators whose last state it was already are woken too.
    for (const callback of callbacks) if (this.#wakers.has(callback)) callback(state);
  }

  readonly #wakers = new Set<(state: S) => void>();

  /** Calls back with every later change. Returns how to stop that. */
  subscribe(callback: (state: S) => void): () => void {
    // A callback of its own for each time, so that the same one given twice is two.
    const own = (state: S): void => callback(state);
    if (!this.#ended) this.#callbacks.add(own);
    return () => this.#callbacks.delete(own);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<S, void, undefined> {
    for (;;) {
      const seen = this.#changes;
      yield this.#state;
      if (seen !== this.#changes) continue;
      if (this.#ended) return;
      await this.#change();
      if (seen === this.#changes) return;
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const waker = (): void => {
        this.#callbacks.delete(waker);
        this.#wakers.delete(waker);
        resolve();
      };
      this.#callbacks.add(waker);
      this.#wakers.add(waker);
    });
  }
}
