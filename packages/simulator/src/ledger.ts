import { endOf, type Block, type Zxid } from '@zkl/consensus';

/** The one history, as it came to be known: every block that any server has applied, in order. What the checkers compare with. */
export class Ledger {
  readonly blocks: Block[] = [];
  readonly #positions = new Map<number, number>();

  get length(): number {
    return this.blocks.length;
  }

  get last(): Block | undefined {
    return this.blocks[this.blocks.length - 1];
  }

  append(block: Block): void {
    this.blocks.push(block);
    this.#positions.set(keyOf(endOf(block)), this.blocks.length);
  }

  /** How many blocks the history has up to the one that ends at `zxid`; 0 for zero, undefined when none ends there. */
  positionOf(zxid: Zxid): number | undefined {
    return zxid.counter === 0 ? 0 : this.#positions.get(keyOf(zxid));
  }

  /** True when this very block is part of the history. */
  has(block: Block): boolean {
    const position = this.#positions.get(keyOf(endOf(block)));
    return position !== undefined && this.blocks[position - 1] === block;
  }
}

/** Exact up to epoch 2^21, far beyond any simulation. */
export function keyOf(zxid: Zxid): number {
  return zxid.epoch * 0x1_0000_0000 + zxid.counter;
}
