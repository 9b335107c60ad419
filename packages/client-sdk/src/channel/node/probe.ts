/** The wait for a sign of life that a connection was asked for. One at a time. */
export class Probe {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the last one came, on the clock of `performance.now()`; 0 for never. */
  aliveAtMs = 0;

  get isUnderWay(): boolean {
    return this.#timer !== undefined;
  }

  /** @param onSilence - Called when neither `alive` nor `end` was called within the time. */
  begin(timeoutMs: number, onSilence: () => void): void {
    this.end();
    const timer = setTimeout(() => {
      // If this process stood still, the answer may wait in the socket: it is read before immediates run.
      setImmediate(() =>
        setImmediate(() => {
          if (this.#timer === timer) onSilence();
        }),
      );
    }, timeoutMs);
    timer.unref();
    this.#timer = timer;
  }

  /** The connection has given a sign of life. */
  alive(): void {
    this.aliveAtMs = performance.now();
    this.end();
  }

  /** Waits no more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
