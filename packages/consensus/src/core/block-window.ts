import { assert, ConsensusFault } from './assert.js';
import { chainFault, endOf, endsAfter, weightOf, type Block } from './block.js';
import type { HistoryResult } from './core-io.js';
import { compareZxid, formatZxid, sameZxid, type Zxid } from './zxid.js';

/**
 * The newest part of the log, in memory: what is not durable or not applied yet, and as much before it as fits, so that learners
 * that are a little behind are served without touching the disk. Blocks only enter at the end and only in an unbroken chain.
 */
export class BlockWindow {
  #blocks: (Block | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #base: Zxid;
  #last: Zxid;

  /** `last`: where the log on disk ends. */
  constructor(last: Zxid) {
    this.#base = last;
    this.#last = last;
  }

  /** Blocks after this zxid are in memory; those up to it are not. */
  get base(): Zxid {
    return this.#base;
  }

  /** The end of the log. */
  get last(): Zxid {
    return this.#last;
  }

  append(block: Block): void {
    const fault = chainFault(block, this.#last);
    // Not `assert`: the message is not to be made for every block.
    if (fault !== undefined) {
      throw new ConsensusFault(`block ${formatZxid(endOf(block))} cannot follow ${formatZxid(this.#last)}: ${fault}`);
    }
    this.#blocks.push(block);
    this.#bytes += weightOf(block);
    this.#last = endOf(block);
  }

  /** Drops what ends after `zxid`. When `zxid` lies before the window, nothing is left in memory and the log ends there. */
  truncateTo(zxid: Zxid): void {
    if (compareZxid(zxid, this.#base) < 0) {
      this.reset(zxid);
      return;
    }
    while (this.#blocks.length > this.#head && endsAfter(this.#blocks[this.#blocks.length - 1]!, zxid)) {
      this.#bytes -= weightOf(this.#blocks.pop()!);
    }
    const tail = this.#blocks.length > this.#head ? endOf(this.#blocks[this.#blocks.length - 1]!) : this.#base;
    assert(sameZxid(tail, zxid), `cannot cut the log at ${formatZxid(zxid)}: no block ends there`);
    this.#last = tail;
  }

  /** The log now ends at `zxid`, and nothing is in memory. */
  reset(zxid: Zxid): void {
    this.#blocks = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#base = zxid;
    this.#last = zxid;
  }

  /** Blocks that follow on `after`, at least one if there is any, about `maxBytes` at most; `gone` when memory does not reach back so far. */
  read(after: Zxid, maxBytes: number): HistoryResult {
    if (compareZxid(after, this.#base) < 0) return { kind: 'gone' };
    const start = this.#indexAfter(after);
    const before = start > this.#head ? endOf(this.#blocks[start - 1]!) : this.#base;
    if (!sameZxid(before, after)) return { kind: 'diverged', at: before };
    return { kind: 'blocks', blocks: this.#take(start, maxBytes) };
  }

  /** Bytes of the blocks after `zxid` that are in memory. */
  bytesAfter(zxid: Zxid): number {
    let bytes = 0;
    for (let i = this.#blocks.length - 1; i >= this.#head && endsAfter(this.#blocks[i]!, zxid); i--) {
      bytes += weightOf(this.#blocks[i]!);
    }
    return bytes;
  }

  /** Forgets the oldest blocks that end at or before `upTo` while more than `keepBytes` are held. */
  evict(upTo: Zxid, keepBytes: number): void {
    while (this.#bytes > keepBytes && this.#head < this.#blocks.length) {
      const block = this.#blocks[this.#head]!;
      if (endsAfter(block, upTo)) break;
      this.#base = endOf(block);
      this.#bytes -= weightOf(block);
      // What is evicted is to be free now, not when the array is compacted.
      this.#blocks[this.#head++] = undefined;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#blocks.length) {
      this.#blocks = this.#blocks.slice(this.#head);
      this.#head = 0;
    }
  }

  #take(start: number, maxBytes: number): Block[] {
    const blocks: Block[] = [];
    let bytes = 0;
    for (let i = start; i < this.#blocks.length; i++) {
      const block = this.#blocks[i]!;
      bytes += weightOf(block);
      if (blocks.length > 0 && bytes > maxBytes) break;
      blocks.push(block);
    }
    return blocks;
  }

  /** The index of the first block that ends after `zxid`: a binary search, since blocks are in order. */
  #indexAfter(zxid: Zxid): number {
    let low = this.#head;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (endsAfter(this.#blocks[middle]!, zxid)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
