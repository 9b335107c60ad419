import type { RefusalReason } from '../core/core-io.js';

/** Told without a refusal when the read may be served. */
export type ReadDone = (refusal: RefusalReason | undefined) => void;

/** Reads that wait: those of one turn share a ticket. Tickets of reads are negative, so that they are never taken for those of writes. */
export class ReadQueue {
  readonly #asked = new Map<number, ReadDone[]>();
  #waiting: ReadDone[] = [];
  #ticket = 0;

  push(done: ReadDone): void {
    this.#waiting.push(done);
  }

  /** The ticket of all reads that came since the last call; undefined when none did. */
  takeTicket(): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    this.#asked.set(--this.#ticket, this.#waiting);
    this.#waiting = [];
    return this.#ticket;
  }

  end(ticket: number, refusal: RefusalReason | undefined): void {
    const dones = this.#asked.get(ticket);
    this.#asked.delete(ticket);
    for (const done of dones ?? []) done(refusal);
  }

  endAll(refusal: RefusalReason): void {
    const dones = [...this.#asked.values(), this.#waiting].flat();
    this.#asked.clear();
    this.#waiting = [];
    for (const done of dones) done(refusal);
  }
}
