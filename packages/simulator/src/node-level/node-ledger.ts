import { compareZxid, endOf, prevOf, sameZxid, ZXID_ZERO, type Block, type Zxid } from '@zkl/consensus';
import { encodeResult, type Result } from '@zkl/state-machine';
import { keyOf } from '../ledger.js';

/** A block of the one history, and what came of it where it was applied first. */
export interface Applied {
  readonly block: Block;
  readonly position: number;
  readonly results: readonly Result[];
  readonly digest: string;
}

/** The one history, as it came to be known. What the checkers compare with. */
export class NodeLedger {
  readonly #byEnd = new Map<number, Applied>();
  #last: Applied | undefined;
  #count = 0;

  get length(): number {
    return this.#count;
  }

  get lastZxid(): Zxid {
    return this.#last === undefined ? ZXID_ZERO : endOf(this.#last.block);
  }

  at(zxid: Zxid): Applied | undefined {
    return this.#byEnd.get(keyOf(zxid));
  }

  /** True for zero and for every end of a block of the history. */
  has(zxid: Zxid): boolean {
    return zxid.counter === 0 || this.#byEnd.has(keyOf(zxid));
  }

  /** The block that holds the write at `zxid`. */
  holding(zxid: Zxid): Applied | undefined {
    for (let counter = zxid.counter; counter < zxid.counter + 1_000; counter++) {
      const applied = this.#byEnd.get(keyOf({ epoch: zxid.epoch, counter }));
      if (applied !== undefined) return applied.block.firstCounter <= zxid.counter ? applied : undefined;
    }
    return undefined;
  }

  /** Takes a block in that follows on the last one; false when it does not. */
  append(block: Block, results: readonly Result[], digest: string): boolean {
    if (!sameZxid(prevOf(block), this.lastZxid)) return false;
    const applied = { block, results, digest, position: ++this.#count };
    this.#byEnd.set(keyOf(endOf(block)), applied);
    this.#last = applied;
    return true;
  }

  isBeyond(zxid: Zxid): boolean {
    return compareZxid(zxid, this.lastZxid) > 0;
  }
}

/** Byte for byte, since results are what clients are told. */
export function sameResults(a: readonly Result[], b: readonly Result[]): boolean {
  return (
    a.length === b.length &&
    a.every((result, index) => Buffer.compare(encodeResult(result), encodeResult(b[index]!)) === 0)
  );
}
