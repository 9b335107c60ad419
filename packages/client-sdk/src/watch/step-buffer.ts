import type { WatchStep } from './watch.js';

/** What the steps of a watch may weigh before its source is told to stop. */
const BYTES_MAX = 16_777_216;

/** Who is told when a buffer is full, and when it is half empty again. */
export interface BufferOwner {
  onFull(): void;
  onRoom(): void;
}

/** Steps between a source that must not wait and one consumer that may. */
export class StepBuffer {
  readonly #max: number;
  readonly #owner: BufferOwner;
  #steps: WatchStep[] = [];
  #head = 0;
  #events = 0;
  #bytes = 0;
  #full = false;
  #ended: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  constructor(max: number, owner: BufferOwner) {
    this.#max = max;
    this.#owner = owner;
  }

  push(step: WatchStep): void {
    if (this.#ended !== undefined) return;
    const last = this.#steps.at(-1);
    // Of several marks in a row only the last one says anything.
    if (step.kind === 'progress' && last?.kind === 'progress' && this.#steps.length > this.#head) this.#steps.pop();
    else this.#count(step, 1);
    this.#steps.push(step);
    this.#wakeUp();
    if (!this.#full && (this.#events > this.#max || this.#bytes > BYTES_MAX)) {
      this.#full = true;
      this.#owner.onFull();
    }
  }

  /** No more will come. What is there is still handed out; then the error is thrown, or, when it is undefined, it is over. */
  end(error: Error | undefined): void {
    this.#ended ??= { error };
    this.#wakeUp();
  }

  /** The next step; undefined when it is over. */
  async next(): Promise<WatchStep | undefined> {
    for (;;) {
      const step = this.#steps[this.#head];
      if (step !== undefined) {
        this.#take(step);
        return step;
      }
      if (this.#ended !== undefined) {
        if (this.#ended.error === undefined) return undefined;
        throw this.#ended.error;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(step: WatchStep): void {
    this.#head += 1;
    if (this.#head > 1_024 && this.#head * 2 > this.#steps.length) {
      this.#steps = this.#steps.slice(this.#head);
      this.#head = 0;
    }
    this.#count(step, -1);
    if (this.#full && this.#events <= this.#max / 2 && this.#bytes <= BYTES_MAX / 2) {
      this.#full = false;
      this.#owner.onRoom();
    }
  }

  #count(step: WatchStep, by: 1 | -1): void {
    this.#events += by * (step.kind === 'events' ? step.events.length : 1);
    this.#bytes += by * weightOf(step);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function weightOf(step: WatchStep): number {
  // A reset is handed out whole, whatever it weighs: to stop because of it would only bring it again.
  if (step.kind !== 'events') return 0;
  let bytes = 0;
  for (const { data, previousData } of step.events) bytes += (data?.byteLength ?? 0) + (previousData?.byteLength ?? 0);
  return bytes;
}
