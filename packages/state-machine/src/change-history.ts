import { compareZxids, readUtf8, ZXID_ZERO, type ChangeType, type Stat, type Zxid } from '@zkl/wire';
import { assert } from './assert.js';
import * as f from './node-fields.js';
import { copyBytes } from './node-table.js';

/** Fields of a change: int32 each. */
const TYPE = 0;
const EPOCH = 1;
const COUNTER = 2;
const INDEX = 3;
const OFFSET = 4;
const PATH_LENGTH = 5;
/** -1 for null or none. */
const DATA_LENGTH = 6;
const PREVIOUS_LENGTH = 7;
/** The stat: a node's row from its birth on, then what is not in a row. */
const IMAGE = 8;
const IMAGE_WORDS = f.CREATES + 1 - f.BIRTH;
const CHILDREN = IMAGE + IMAGE_WORDS;
const OWNER_EPOCH = CHILDREN + 1;
const OWNER_COUNTER = CHILDREN + 2;
const STRIDE = CHILDREN + 3;

const TYPES: readonly ChangeType[] = ['created', 'set', 'deleted'];
const TYPE_SET = 1;

export interface ChangeHistoryOptions {
  /** Changes that are kept at most. Default 100,000. */
  readonly changesMax?: number | undefined;
  /** Bytes of paths and data that are kept at most. Default 64 MiB. Memory is taken as it is first used. */
  readonly bytesMax?: number | undefined;
}

/** A place in the history to go back to, while nobody has read beyond it. */
interface Mark {
  readonly end: number;
  readonly head: number;
}

/**
 * What was changed of late, in order: the base of watches. A bounded ring of rows of integers and a ring of bytes, so that a change makes no
 * object. Given to the state machine as its option `history`, which feeds it.
 *
 * A change is named by its *position*: a whole number that only grows (below 2^53), also over a restore. Kept are the positions from `first` to `end`,
 * `end` not included. The history is complete for every zxid after `floor`.
 *
 * ```ts
 * const view = new ChangeView();
 * let position = history.positionAfter(zxid); // undefined: gone, begin with a snapshot
 * while (position < history.end) if (history.read(position++, view)) tell(view.type, view.path, view.zxid);
 * ```
 */
export class ChangeHistory {
  readonly #rows: Int32Array;
  readonly #changesMax: number;
  readonly #bytes: Uint8Array;
  #first = 0;
  #end = 0;
  /** Where the rows of these two positions begin: a remainder each time would be much of what a change costs. */
  #firstAt = 0;
  #endAt = 0;
  /** Where the next change's bytes go. */
  #head = 0;
  #newestEpoch = 0;
  #newestCounter = 0;
  #newestIndex = 0;
  /** A change was too large for the ring: what is kept has a gap. */
  #isBroken = false;
  #floorEpoch = 0;
  #floorCounter = 0;
  #last: Zxid = ZXID_ZERO;

  constructor(options: ChangeHistoryOptions = {}) {
    this.#changesMax = options.changesMax ?? 100_000;
    const bytesMax = options.bytesMax ?? 1 << 26;
    assert(this.#changesMax >= 1 && bytesMax >= 1 && bytesMax < 2 ** 31, 'a history of an impossible size');
    this.#rows = new Int32Array(this.#changesMax * STRIDE);
    this.#bytes = new Uint8Array(bytesMax);
  }

  /** Every change after this zxid is kept. Grows as the oldest are dropped. */
  get floor(): Zxid {
    return { epoch: this.#floorEpoch, counter: this.#floorCounter };
  }

  /** The last zxid applied, whether or not it changed any node. */
  get last(): Zxid {
    return this.#last;
  }

  /** The position of the oldest change kept. */
  get first(): number {
    return this.#first;
  }

  /** The position after the newest change: the next one's. */
  get end(): number {
    return this.#end;
  }

  /** The position of the first change after a zxid (`end` when there is none yet); undefined when the zxid is before the floor. */
  positionAfter(zxid: Zxid): number | undefined {
    if (compareZxids(zxid, this.floor) < 0) return undefined;
    let low = this.#first;
    let high = this.#end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const at = this.#at(middle);
      const isAfter =
        this.#rows[at + EPOCH]! >>> 0 > zxid.epoch ||
        (this.#rows[at + EPOCH]! >>> 0 === zxid.epoch && this.#rows[at + COUNTER]! >>> 0 > zxid.counter);
      if (isAfter) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Points a view at a change; false when it is not kept, any more or yet. The view holds until the state machine applies again. */
  read(position: number, view: ChangeView): boolean {
    if (position < this.#first || position >= this.#end) return false;
    view.point(this.#rows, this.#at(position), this.#bytes);
    return true;
  }

  #at(position: number): number {
    return (position % this.#changesMax) * STRIDE;
  }

  /** Where the row after the one at `at` begins. */
  #after(at: number): number {
    const next = at + STRIDE;
    return next === this.#rows.length ? 0 : next;
  }

  /**
   * Adds a change, with room for its bytes: path, data, previous data, one after the other. Answers with the offset of the data. For the state
   * machine alone, as is all below.
   */
  append(
    type: ChangeType,
    epoch: number,
    counter: number,
    path: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
    dataLength: number,
    previousLength: number,
  ): number {
    const pathLength = path.end - path.start;
    const offset = this.#reserve(pathLength + Math.max(0, dataLength) + Math.max(0, previousLength));
    if (offset < 0) return offset;
    if (this.#end - this.#first === this.#changesMax) this.#dropOldest();
    const at = this.#endAt;
    const rows = this.#rows;
    this.#end++;
    this.#endAt = this.#after(at);
    rows[at + TYPE] = type === 'set' ? TYPE_SET : TYPES.indexOf(type);
    rows[at + EPOCH] = epoch;
    rows[at + COUNTER] = counter;
    rows[at + INDEX] = this.#indexOf(epoch, counter);
    rows[at + OFFSET] = offset;
    rows[at + PATH_LENGTH] = pathLength;
    rows[at + DATA_LENGTH] = dataLength;
    rows[at + PREVIOUS_LENGTH] = previousLength;
    copyBytes(path.bytes, path.start, pathLength, this.#bytes, offset);
    return offset + pathLength;
  }

  /** Fills in the stat of the newest change from a node's row. */
  describe(row: Int32Array, at: number, owner: Zxid): void {
    const rows = this.#rows;
    const to = (this.#endAt === 0 ? rows.length : this.#endAt) - STRIDE;
    for (let i = 0; i < IMAGE_WORDS; i++) rows[to + IMAGE + i] = row[at + f.BIRTH + i]!;
    rows[to + CHILDREN] = row[at + f.CHILD_COUNT]!;
    rows[to + OWNER_EPOCH] = owner.epoch;
    rows[to + OWNER_COUNTER] = owner.counter;
  }

  /** Copies data into the room of the newest change. */
  put(offset: number, source: Uint8Array, start: number, length: number): void {
    if (offset >= 0 && length > 0) copyBytes(source, start, length, this.#bytes, offset);
  }

  /** Where `rollback` goes back to. */
  mark(): Mark {
    return { end: this.#end, head: this.#head };
  }

  /** Forgets what was added since a mark. What was dropped to make room stays dropped. */
  rollback({ end, head }: Mark): void {
    this.#end = Math.max(end, this.#first);
    this.#endAt = this.#at(this.#end);
    this.#head = head;
  }

  /** Everything up to this zxid was applied. After a change that found no room at all the history begins anew. */
  advance(zxid: Zxid): void {
    if (this.#isBroken) this.reset(zxid);
    this.#last = zxid;
  }

  /** Forgets everything: the history begins after this zxid. Positions go on, and one is left out: whoever was at the end is not there any more. */
  reset(zxid: Zxid): void {
    this.#end += 1;
    this.#first = this.#end;
    this.#endAt = this.#firstAt = this.#at(this.#end);
    this.#head = 0;
    this.#floorEpoch = zxid.epoch;
    this.#floorCounter = zxid.counter;
    this.#last = zxid;
    this.#isBroken = false;
  }

  /** The number of a change within its zxid. */
  #indexOf(epoch: number, counter: number): number {
    const isSame = this.#newestEpoch === epoch && this.#newestCounter === counter;
    this.#newestIndex = isSame ? this.#newestIndex + 1 : 0;
    this.#newestEpoch = epoch;
    this.#newestCounter = counter;
    return this.#newestIndex;
  }

  #dropOldest(): void {
    const at = this.#firstAt;
    this.#first++;
    this.#firstAt = this.#after(at);
    this.#floorEpoch = this.#rows[at + EPOCH]! >>> 0;
    this.#floorCounter = this.#rows[at + COUNTER]! >>> 0;
  }

  /** Finds room for bytes in one piece, dropping the oldest changes that lie there. */
  #reserve(length: number): number {
    const size = this.#bytes.length;
    if (length > size) {
      this.#isBroken = true;
      return -1;
    }
    if (this.#head + length > size) {
      // The rest of the ring stays empty; what lies there is the oldest.
      while (this.#first < this.#end && this.#rows[this.#firstAt + OFFSET]! >= this.#head) this.#dropOldest();
      this.#head = 0;
    }
    const from = this.#head;
    const to = from + length;
    while (this.#first < this.#end && this.#overlaps(this.#firstAt, from, to)) this.#dropOldest();
    this.#head = to;
    return from;
  }

  /** Whether the bytes of the change in the row at `at` lie there too. */
  #overlaps(at: number, from: number, to: number): boolean {
    const start = this.#rows[at + OFFSET]!;
    const length =
      this.#rows[at + PATH_LENGTH]! +
      Math.max(0, this.#rows[at + DATA_LENGTH]!) +
      Math.max(0, this.#rows[at + PREVIOUS_LENGTH]!);
    return start < to && start + length > from;
  }
}

/** A change, as `ChangeHistory.read` points it at one. Reused; what it gives out as text, stat or zxid is the caller's own, data are views. */
export class ChangeView {
  #rows = new Int32Array(STRIDE);
  #at = 0;
  #bytes = new Uint8Array(0);

  /** For ChangeHistory alone. */
  point(rows: Int32Array, at: number, bytes: Uint8Array): void {
    this.#rows = rows as Int32Array<ArrayBuffer>;
    this.#at = at;
    this.#bytes = bytes as Uint8Array<ArrayBuffer>;
  }

  get type(): ChangeType {
    return TYPES[this.#rows[this.#at + TYPE]!]!;
  }

  get epoch(): number {
    return this.#rows[this.#at + EPOCH]! >>> 0;
  }

  get counter(): number {
    return this.#rows[this.#at + COUNTER]! >>> 0;
  }

  get zxid(): Zxid {
    return { epoch: this.epoch, counter: this.counter };
  }

  /** The number of the change within its zxid, from 0. */
  get index(): number {
    return this.#rows[this.#at + INDEX]!;
  }

  /** The path in UTF-8: a view. */
  get pathBytes(): Uint8Array {
    return this.#view(this.#rows[this.#at + OFFSET]!, this.#rows[this.#at + PATH_LENGTH]!);
  }

  get path(): string {
    const start = this.#rows[this.#at + OFFSET]!;
    return readUtf8(this.#bytes, start, start + this.#rows[this.#at + PATH_LENGTH]!);
  }

  /** After the change; of a deleted node before it. */
  get stat(): Stat {
    const rows = this.#rows;
    const row = this.#at + IMAGE - f.BIRTH;
    const ownerCounter = rows[this.#at + OWNER_COUNTER]! >>> 0;
    return {
      czxid: zxidAt(rows, row + f.CZXID_EPOCH),
      mzxid: zxidAt(rows, row + f.MZXID_EPOCH),
      ctimeMs: f.joinWords(rows[row + f.CTIME_LOW]!, rows[row + f.CTIME_HIGH]!),
      mtimeMs: f.joinWords(rows[row + f.MTIME_LOW]!, rows[row + f.MTIME_HIGH]!),
      version: rows[row + f.VERSION]!,
      cversion: rows[row + f.CVERSION]!,
      aversion: rows[row + f.AVERSION]!,
      ephemeralOwner: ownerCounter === 0 ? ZXID_ZERO : zxidAt(rows, this.#at + OWNER_EPOCH),
      dataLength: Math.max(0, rows[row + f.DATA_LENGTH]!),
      numChildren: rows[this.#at + CHILDREN]!,
      pzxid: zxidAt(rows, row + f.PZXID_EPOCH),
    };
  }

  /** The node's data after the change: a view; null for null, and for a deleted node. */
  get data(): Uint8Array | null {
    const length = this.#rows[this.#at + DATA_LENGTH]!;
    const start = this.#rows[this.#at + OFFSET]! + this.#rows[this.#at + PATH_LENGTH]!;
    return length < 0 ? null : this.#view(start, length);
  }

  /** The node's data before the change: a view; null for null, and for a created node. */
  get previousData(): Uint8Array | null {
    const length = this.#rows[this.#at + PREVIOUS_LENGTH]!;
    const start =
      this.#rows[this.#at + OFFSET]! +
      this.#rows[this.#at + PATH_LENGTH]! +
      Math.max(0, this.#rows[this.#at + DATA_LENGTH]!);
    return length < 0 ? null : this.#view(start, length);
  }

  #view(start: number, length: number): Uint8Array {
    return this.#bytes.subarray(start, start + length);
  }
}

function zxidAt(rows: Int32Array, at: number): Zxid {
  return { epoch: rows[at]! >>> 0, counter: rows[at + 1]! >>> 0 };
}
