import { compareZxid, endOf, minZxid, ZXID_ZERO, type HardState, type LogWrite, type Zxid } from '@zkl/consensus';
import { keyOf } from '../ledger.js';

/** What a log store has said to be durable, independently of how it keeps it: what must be found again after any crash. */
export class DurableLog {
  last: Zxid = ZXID_ZERO;
  hardState: HardState = { acceptedEpoch: 0, currentEpoch: 0 };
  /** The log may end here if the write or the installation that is under way is cut short. */
  floor: Zxid | undefined;
  readonly #ends = new Set<number>();
  #base: Zxid = ZXID_ZERO;
  /** Found at a start beyond what was said to be durable: from after the first of each to the second. */
  #finds: { from: Zxid; to: Zxid }[] = [];

  /** A write begins: until it ends, its cut may have happened or not. */
  begin(write: LogWrite): void {
    if (write.truncateTo !== undefined) this.floor = minZxid(write.truncateTo, this.last);
  }

  end(write: LogWrite): void {
    this.floor = undefined;
    if (write.truncateTo !== undefined) this.#cut(write.truncateTo);
    for (const block of write.blocks) {
      this.last = endOf(block);
      this.#ends.add(keyOf(this.last));
    }
    if (write.hardState !== undefined) this.hardState = write.hardState;
  }

  installing(zxid: Zxid): void {
    this.floor = minZxid(zxid, this.last);
  }

  installed(zxid: Zxid): void {
    this.floor = undefined;
    this.last = zxid;
    this.#base = zxid;
  }

  /** What was found at a start stands for itself from here on. */
  found(last: Zxid, hardState: HardState): void {
    this.floor = undefined;
    if (compareZxid(last, this.last) < 0) this.#cut(last);
    else if (compareZxid(last, this.last) > 0) this.#finds.push({ from: this.last, to: last });
    this.last = last;
    this.hardState = hardState;
  }

  /** Whether the block that ends at `zxid` was ever durable here, and not cut off since. */
  holds(zxid: Zxid): boolean {
    if (compareZxid(zxid, this.#base) <= 0 || this.#ends.has(keyOf(zxid))) return true;
    return this.#finds.some(({ from, to }) => compareZxid(zxid, from) > 0 && compareZxid(zxid, to) <= 0);
  }

  #cut(to: Zxid): void {
    const end = keyOf(to);
    for (const key of [...this.#ends]) if (key > end) this.#ends.delete(key);
    this.#finds = this.#finds.map((find) => ({ from: find.from, to: minZxid(find.to, to) }));
    this.last = to;
  }
}
