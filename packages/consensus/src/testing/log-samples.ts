import type { Block } from '../core/block.js';
import { endOf } from '../core/block.js';
import { type Zxid, ZXID_ZERO } from '../core/zxid.js';

/** Makes blocks that follow on each other, with contents that tell them apart. */
export class BlockMaker {
  #last: Zxid;
  #made = 0;

  constructor(last: Zxid = ZXID_ZERO) {
    this.#last = last;
  }

  get last(): Zxid {
    return this.#last;
  }

  /** What follows goes on from here: after a truncation, or a snapshot. */
  goOnFrom(last: Zxid): void {
    this.#last = last;
  }

  /** One block of `count` writes with `payloadBytes` of payload, in the last block's epoch or a later one. */
  next(options: { count?: number; payloadBytes?: number; epoch?: number } = {}): Block {
    const { count = 1, payloadBytes = 20 } = options;
    const epoch = options.epoch ?? Math.max(this.#last.epoch, 1);
    const firstCounter = epoch === this.#last.epoch ? this.#last.counter + 1 : 1;
    const block: Block = {
      epoch,
      leader: 1 + (this.#made % 3),
      firstCounter,
      count,
      prevEpoch: this.#last.epoch,
      prevCounter: this.#last.counter,
      committedEpoch: this.#last.epoch,
      committedCounter: this.#last.counter,
      timeMs: 1_700_000_000_000 + this.#made,
      payload: pattern(payloadBytes, this.#made),
      record: undefined,
    };
    this.#made += 1;
    this.#last = endOf(block);
    return block;
  }

  several(howMany: number, options: { count?: number; payloadBytes?: number; epoch?: number } = {}): Block[] {
    return Array.from({ length: howMany }, () => this.next(options));
  }
}

/** Bytes that depend on `seed` and their place, none of them zero. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => 1 + ((at * 31 + seed * 17) % 255));
}

/** A block to be compared: without its record, which a store may or may not bring along, and with a digest for its payload. */
export interface ComparableBlock extends Omit<Block, 'payload' | 'record'> {
  readonly payload: string;
}

export function comparableBlock(block: Block): ComparableBlock {
  const { record: _, ...rest } = block;
  return { ...rest, payload: digest(block.payload) };
}

/** Length and FNV-1a hash: comparing large arrays element by element takes test runners seconds. */
export function digest(bytes: Uint8Array): string {
  let hash = 0x811c_9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return `${bytes.byteLength} bytes, ${(hash >>> 0).toString(16)}`;
}
