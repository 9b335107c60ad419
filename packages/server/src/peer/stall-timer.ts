/**
 * Calls back when `progress` was not called for so long. One timer, however often there is progress. After a pause of this process what waits in the
 * sockets is handled first: it may be progress.
 */
export class StallTimer {
  readonly #onStalled: () => void;
  #stallMs: number;
  #lastMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(stallMs: number, onStalled: () => void) {
    this.#stallMs = stallMs;
    this.#onStalled = onStalled;
    this.#arm(stallMs);
  }

  progress(): void {
    this.#lastMs = performance.now();
  }

  /** Another patience from now on. */
  restart(stallMs: number): void {
    this.#stallMs = stallMs;
    this.progress();
    clearTimeout(this.#timer);
    this.#arm(stallMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(afterMs: number): void {
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#timer === timer) this.#check();
      });
    }, afterMs);
    this.#timer = timer;
  }

  #check(): void {
    const leftMs = this.#lastMs + this.#stallMs - performance.now();
    if (leftMs > 1) this.#arm(leftMs);
    else this.#onStalled();
  }
}
