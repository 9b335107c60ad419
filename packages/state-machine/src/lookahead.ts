import { CommandReader, KIND_DELETE, KIND_SET, PathScanner, type Name } from '@zkl/wire';
import type { ColumnStore } from './column-store.js';
import { endOfWrite } from './committed-block.js';
import type { StateLimits } from './limits.js';
import { NO_SLOT } from './slot-index.js';

/** Writes that are looked at ahead at a time: more than the misses that a processor waits for at once, and few enough that none is evicted again. */
export const LOOKAHEAD_WRITES = 32;
/** Below this many znodes the tree is in the cache anyhow, with its rows and records of some 100 bytes and more; and looking ahead has its price. */
const ZNODES_MIN = 1 << 14;
/** Fewer are not worth it. */
const WRITES_MIN = 4;

/**
 * Reads ahead what the next writes of a block need of a large tree, and changes nothing. To find a node takes three reads, each of which says where the
 * next is: of the index, the row, the record. When they miss the cache, a write that does them by itself waits three times, and that is a third of
 * what it costs. Here they are done for many writes side by side, so that the processor waits for all of them at once.
 */
export class Lookahead {
  /** Something of what was read: without a use, reading it would be left out when this is compiled. */
  seen = 0;
  readonly #store: ColumnStore;
  readonly #znodesMin: number;
  readonly #scanner: PathScanner;
  readonly #reader = new CommandReader();
  readonly #name: Name = { bytes: new Uint8Array(0), start: 0, end: 0, hash: 0 };
  readonly #hashes = new Int32Array(LOOKAHEAD_WRITES);
  #parent = NO_SLOT;

  /** Nothing is looked at while there are fewer than `znodesMin` znodes. */
  constructor(store: ColumnStore, limits: StateLimits, seed: number, znodesMin = ZNODES_MIN) {
    this.#store = store;
    this.#znodesMin = znodesMin;
    this.#scanner = new PathScanner(seed, limits.pathBytesMax);
  }

  /** `count` writes, or the first LOOKAHEAD_WRITES of them, from offset `start` of a block's payload. */
  look(payload: Uint8Array, start: number, count: number): void {
    if (count < WRITES_MIN || this.#store.count < this.#znodesMin) return;
    const reader = this.#reader;
    const writes = Math.min(count, LOOKAHEAD_WRITES);
    let found = 0;
    for (let i = 0, at = start; i < writes; i++) {
      const end = endOfWrite(payload, at);
      if (end < 0 || !reader.read(payload, at + 4, end)) break;
      if ((reader.kind === KIND_SET || reader.kind === KIND_DELETE) && this.#aim(reader)) {
        this.#hashes[found++] = this.#store.filedUnder(this.#parent, this.#name);
      }
      at = end;
    }
    this.seen = this.#store.touch(this.#hashes, found);
  }

  /** Finds the parent of the node that a write is about: other writes have nearly always had it too. What writes before this one make is not seen. */
  #aim({ bytes, pathStart, pathEnd }: CommandReader): boolean {
    const scanner = this.#scanner;
    if (!scanner.scan(bytes, pathStart, pathEnd, false) || scanner.count === 0) return false;
    const last = scanner.count - 1;
    let parent = this.#store.root;
    for (let i = 0; i < last && parent !== NO_SLOT; i++) {
      scanner.component(i, bytes, this.#name);
      parent = this.#store.child(parent, this.#name);
    }
    scanner.component(last, bytes, this.#name);
    this.#parent = parent;
    return parent !== NO_SLOT;
  }
}
