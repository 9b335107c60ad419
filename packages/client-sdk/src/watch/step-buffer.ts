import type { WatchStep } from './watch.js';

/** What the steps of a watch may weigh before its source is told to stop. */
const BYTES_MAX = 16_777_216;

/** Who is told when a buffer is full, and when it is half empty again. */
export interface BufferOwner {
  onFull(): void;
  onRoom(): void;
}

/** The one who takes steps out of a buffer. */
export interface StepConsumer {
  /** Takes a step at once, when it waits for one; else the step stays in the buffer. */
  accept(step: WatchStep): boolean;
  /** No more comes. */
  onEnd(): void;
}

/** Steps between a source that must not wait and one consumer that may. */
export class StepBuffer {
  readonly #max: number;
  readonly #owner: BufferOwner;
  #steps: (WatchStep | undefined)[] = [];
  #head = 0;
  #events = 0;
  #bytes = 0;
  #full = false;
  #ended: { readonly error: Error | undefined } | undefined;
  consumer: StepConsumer | undefined;

  constructor(max: number, owner: BufferOwner) {
    this.#max = max;
    this.#owner = owner;
  }

  /** Set when no more comes: with the error that follows what is there, if it did not end in order. */
  get ended(): { readonly error: Error | undefined } | undefined {
    return this.#ended;
  }

  push(step: WatchStep): void {
    if (this.#ended !== undefined) return;
    if (this.#steps.length === this.#head && this.consumer?.accept(step) === true) return;
    const last = this.#steps.at(-1);
    // Of several marks in a row only the last one says anything.
    if (step.kind === 'progress' && last?.kind === 'progress' && this.#steps.length > this.#head) this.#steps.pop();
    else this.#count(step, 1);
    this.#steps.push(step);
    if (!this.#full && (this.#events > this.#max || this.#bytes > BYTES_MAX)) {
      this.#full = true;
      this.#owner.onFull();
    }
  }

  /** No more will come. What is there is still handed out; then comes the error, or, when it is undefined, it is over. */
  end(error: Error | undefined): void {
    this.#ended ??= { error };
    this.consumer?.onEnd();
  }

  /** The next step; undefined when there is none at present. */
  take(): WatchStep | undefined {
    const step = this.#steps[this.#head];
    if (step === undefined) return undefined;
    this.#steps[this.#head++] = undefined;
    if (this.#head === this.#steps.length) {
      this.#steps.length = 0;
      this.#head = 0;
    } else if (this.#head > 1_024 && this.#head * 2 > this.#steps.length) {
      this.#steps = this.#steps.slice(this.#head);
      this.#head = 0;
    }
    this.#count(step, -1);
    if (this.#full && this.#events <= this.#max / 2 && this.#bytes <= BYTES_MAX / 2) {
      this.#full = false;
      this.#owner.onRoom();
    }
    return step;
  }

  #count(step: WatchStep, by: 1 | -1): void {
    this.#events += by * (step.kind === 'events' ? step.events.length : 1);
    this.#bytes += by * weightOf(step);
  }
}

function weightOf(step: WatchStep): number {
  // A reset is handed out whole, whatever it weighs: to stop because of it would only bring it again.
  if (step.kind !== 'events') return 0;
  let bytes = 0;
  for (const { data, previousData } of step.events) bytes += (data?.byteLength ?? 0) + (previousData?.byteLength ?? 0);
  return bytes;
}
