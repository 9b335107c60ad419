import { joinOperations } from './payload.js';
import type { Done } from './pending-writes.js';

/** Writes for one block. */
export interface WriteBatch<R> {
  readonly dones: Done<R>[];
  readonly payload: Uint8Array;
  /** Of the writes themselves. */
  readonly bytes: number;
}

/** Writes that wait for the turn. */
export class WriteQueue<R> {
  #operations: Uint8Array[] = [];
  #dones: Done<R>[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#operations.length;
  }

  push(operation: Uint8Array, done: Done<R>): void {
    this.#operations.push(operation);
    this.#dones.push(done);
    this.#bytes += operation.byteLength;
  }

  /** Everything that waits, in batches of at most `maxBytes`; a larger write is a batch of its own. */
  take(maxBytes: number): WriteBatch<R>[] {
    const batches: WriteBatch<R>[] = [];
    const operations = this.#operations;
    for (let from = 0; from < operations.length;) {
      let bytes = operations[from]!.byteLength;
      let to = from + 1;
      while (to < operations.length && bytes + operations[to]!.byteLength <= maxBytes) {
        bytes += operations[to]!.byteLength;
        to++;
      }
      const payload = joinOperations(operations.slice(from, to), bytes);
      batches.push({ dones: this.#dones.slice(from, to), payload, bytes });
      from = to;
    }
    this.#clear();
    return batches;
  }

  /** The node stops before these were proposed: certainly not applied. */
  refuseAll(): void {
    const dones = this.#dones;
    this.#clear();
    for (const done of dones) done({ kind: 'refused', reason: 'leaving' });
  }

  #clear(): void {
    this.#operations = [];
    this.#dones = [];
    this.#bytes = 0;
  }
}
