/** Calls of one connection that keep the process alive: one that waits, or a stream that says that it is needed. An idle connection does not. */
export class NeededCalls<Call> {
  readonly #calls = new Set<Call>();
  readonly #keepAlive: (on: boolean) => void;

  /** @param keepAlive - Has the connection that there is at present, if any, keep the process alive, or not. Called when that changes. */
  constructor(keepAlive: (on: boolean) => void) {
    this.#keepAlive = keepAlive;
  }

  get isEmpty(): boolean {
    return this.#calls.size === 0;
  }

  set(call: Call, on: boolean): void {
    const before = this.#calls.size;
    if (on) this.#calls.add(call);
    else this.#calls.delete(call);
    if (before !== this.#calls.size && (before === 0 || this.isEmpty)) this.#keepAlive(on);
  }
}
