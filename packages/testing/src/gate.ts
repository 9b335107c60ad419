/** One step that waits for its time. */
interface Waiting {
  readonly step: () => void;
  readonly dueMs: number;
}

/** One way between two parties: open, or holding what goes through it, in order, until it is open again. */
export class Gate {
  #open = true;
  #delayMs = 0;
  #lastDueMs = 0;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;

  get isOpen(): boolean {
    return this.#open;
  }

  /** Runs `step` after everything that went in before it; never in the caller's own turn. */
  pass(step: () => void): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + this.#delayMs);
    this.#waiting.push({ step, dueMs: this.#delayMs === 0 && this.#waiting.length === 0 ? 0 : this.#lastDueMs });
    this.#schedule();
  }

  /** Nothing passes from now on. What is on its way stays. */
  close(): void {
    this.#open = false;
  }

  /** Lets everything pass that waits, and what comes. */
  open(): void {
    this.#open = true;
    this.#schedule();
  }

  /** Everything that goes in takes this long from now on, in milliseconds. 0: until the next turn. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#unschedule();
    this.#waiting = [];
  }

  #schedule(): void {
    const [first] = this.#waiting;
    if (!this.#open || first === undefined || this.#timer !== undefined) return;
    const waitMs = first.dueMs - performance.now();
    this.#timer =
      waitMs <= 0 ? setImmediate(() => this.#release()) : setTimeout(() => this.#release(), Math.ceil(waitMs));
  }

  #unschedule(): void {
    // Each of the two takes the other's handle for nothing.
    clearTimeout(this.#timer as NodeJS.Timeout | undefined);
    clearImmediate(this.#timer as NodeJS.Immediate | undefined);
    this.#timer = undefined;
  }

  #release(): void {
    this.#timer = undefined;
    if (!this.#open) return;
    const nowMs = performance.now();
    const count = this.#waiting.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = this.#waiting.splice(0, count < 0 ? this.#waiting.length : count);
    for (const { step } of due) step();
    this.#schedule();
  }
}
