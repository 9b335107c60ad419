import type { EventQueue } from './event-queue.js';
import { UNITS_PER_TICK } from './event-queue.js';

/**
 * What happened, in one number and, on request, in words. Two runs are the same exactly when their hashes are: everything that happens to a server
 * goes into it.
 */
export class Trace {
  readonly #queue: EventQueue;
  readonly #print: ((line: string) => void) | undefined;
  #low = 0x811c_9dc5 | 0;
  #high = 0x1234_5678 | 0;
  #events = 0;

  /** `print`: gets each line of the story; left out, no line is made. */
  constructor(queue: EventQueue, print?: (line: string) => void) {
    this.#queue = queue;
    this.#print = print;
  }

  /** How many events went into the hash. */
  get events(): number {
    return this.#events;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  get isPrinted(): boolean {
    return this.#print !== undefined;
  }

  /** Notes that something happened: what, to whom, and a detail. */
  add(what: number, server: number, detail: number): void {
    this.#events++;
    this.#low = Math.imul(this.#low ^ (what + server * 64), 0x0100_0193);
    this.#low = Math.imul(this.#low ^ (detail | 0), 0x0100_0193);
    this.#high = Math.imul((this.#high ^ this.#low) + (this.#queue.now | 0), 0x85eb_ca6b);
    this.#high ^= this.#high >>> 13;
  }

  /** A line of the story: `12.50  3  following 1 (epoch 4)`; the time is in ticks. */
  line(server: number, text: string): void {
    if (this.#print === undefined) return;
    const ticks = (this.#queue.now / UNITS_PER_TICK).toFixed(2).padStart(8);
    this.#print(`${ticks}  ${server === 0 ? '-' : server}  ${text}`);
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
