import type { Block, LogRead, Zxid } from '@zkl/consensus';
import { invariant } from './errors.js';
import { RECORD_HEADER_BYTES } from './format.js';
import { endsAfter, follows, prevOf, sameZxid } from './zxid.js';

/** What a block costs beside its bytes. */
const BLOCK_OVERHEAD_BYTES = 256;

/** As LogRead, without `gone`: the cache cannot know. */
type CacheRead = Exclude<LogRead, { readonly kind: 'gone' }>;

/** The newest blocks of the log, in memory up to a bound: what followers and replays nearly always ask for. */
export class EntryCache {
  readonly #maxBytes: number;
  /** Blocks before `#head` were evicted; the array is compacted now and then, so that eviction costs nothing. */
  #blocks: (Block | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  push(block: Block): void {
    const last = this.#blocks.at(-1);
    invariant(
      last === undefined || this.#head === this.#blocks.length || follows(block, lastZxid(last)),
      'the cache would have a gap',
    );
    this.#blocks.push(block);
    this.#bytes += weightOf(block);
    while (this.#bytes > this.#maxBytes && this.#head < this.#blocks.length) {
      this.#bytes -= weightOf(this.#blocks[this.#head] as Block);
      this.#blocks[this.#head++] = undefined;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#blocks.length) this.#compact();
  }

  truncate(to: Zxid): void {
    while (this.#blocks.length > this.#head && endsAfter(this.#blocks.at(-1) as Block, to)) {
      this.#bytes -= weightOf(this.#blocks.pop() as Block);
    }
  }

  clear(): void {
    this.#blocks = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  /**
   * The blocks after `after`, at least one, about `maxBytes` at most; the zxid at which the log diverges from `after`; or undefined when
   * the cache does not reach back to it or nothing follows.
   */
  read(after: Zxid, maxBytes: number): CacheRead | undefined {
    let low = this.#head;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (endsAfter(this.#blocks[middle] as Block, after)) high = middle;
      else low = middle + 1;
    }
    const first = this.#blocks[low];
    if (first === undefined) return undefined;
    if (!sameZxid(prevOf(first), after)) return low > this.#head ? { kind: 'diverged', at: prevOf(first) } : undefined;
    return { kind: 'blocks', blocks: this.#take(low, maxBytes) };
  }

  #take(from: number, maxBytes: number): readonly Block[] {
    let bytes = 0;
    let to = from;
    while (to < this.#blocks.length) {
      bytes += RECORD_HEADER_BYTES + (this.#blocks[to] as Block).payload.byteLength;
      if (bytes > maxBytes && to > from) break;
      to += 1;
    }
    return this.#blocks.slice(from, to) as Block[];
  }

  #compact(): void {
    this.#blocks = this.#blocks.slice(this.#head);
    this.#head = 0;
  }
}

function lastZxid(block: Block): Zxid {
  return { epoch: block.epoch, counter: block.firstCounter + block.count - 1 };
}

function weightOf(block: Block): number {
  return block.payload.byteLength + BLOCK_OVERHEAD_BYTES;
}
