import type { Block } from '../core/block.js';
import type { RefusalReason } from '../core/core-io.js';

/** What became of a write. */
export type ProposalOutcome<R> =
  | { readonly kind: 'applied'; readonly result: R }
  /** Certainly not applied. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** The role ended, or the node stopped, before it was committed: it may yet be applied. */
  | { readonly kind: 'unknown' };

export type Done<R> = (outcome: ProposalOutcome<R>) => void;

interface Batch<R> {
  readonly done: Done<R>[];
  readonly bytes: number;
  epoch: number;
  firstCounter: number;
}

/** The writes that this leader has taken and not yet answered, a batch a block, in the order of the log. */
export class PendingWrites<R> {
  readonly #proposed = new Map<number, Batch<R>>();
  #assigned: Batch<R>[] = [];
  #ticket = 0;
  #bytes = 0;
  #count = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** The ticket under which the core will speak of the batch. */
  add(done: Done<R>[], bytes: number): number {
    this.#proposed.set(++this.#ticket, { done, bytes, epoch: 0, firstCounter: 0 });
    this.#bytes += bytes;
    this.#count += done.length;
    return this.#ticket;
  }

  assign(ticket: number, block: Block): void {
    const batch = this.#proposed.get(ticket)!;
    this.#proposed.delete(ticket);
    batch.epoch = block.epoch;
    batch.firstCounter = block.firstCounter;
    this.#assigned.push(batch);
  }

  refuse(ticket: number, reason: RefusalReason): void {
    const batch = this.#proposed.get(ticket)!;
    this.#proposed.delete(ticket);
    this.#finish(batch, () => ({ kind: 'refused', reason }));
  }

  /** Whether a block that comes to be applied is one of a batch here. */
  awaits(block: Block): boolean {
    const batch = this.#assigned[0];
    return batch?.epoch === block.epoch && batch.firstCounter === block.firstCounter;
  }

  /** A block was applied: whoever waits for one of its writes gets the result. */
  settle(block: Block, results: readonly R[]): void {
    const batch = this.#assigned[0];
    if (batch === undefined || !this.awaits(block)) return;
    // At once, and not when there are many: what an answered batch holds on to would outlive its youth, and cost a collection of the old.
    this.#assigned.shift();
    this.#finish(batch, (index) => ({ kind: 'applied', result: results[index]! }));
  }

  /** The role ended: what was in the log may be committed by the next leader, or cut off. */
  abandon(): void {
    const batches = [...this.#assigned, ...this.#proposed.values()];
    this.#assigned = [];
    this.#proposed.clear();
    for (const batch of batches) this.#finish(batch, () => ({ kind: 'unknown' }));
  }

  #finish(batch: Batch<R>, outcome: (index: number) => ProposalOutcome<R>): void {
    this.#bytes -= batch.bytes;
    this.#count -= batch.done.length;
    for (let i = 0; i < batch.done.length; i++) batch.done[i]!(outcome(i));
  }
}
