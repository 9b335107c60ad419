import { ZXID_ZERO, type Name, nameHash, readUtf8, type Stat, type Zxid } from '@zkl/wire';
import { ChildOrder } from './child-order.js';
import { CopyPool } from './copy-pool.js';
import { finish } from './hash.js';
import * as f from './node-fields.js';
import { NodeTable } from './node-table.js';
import { NO_SLOT, SlotIndex } from './slot-index.js';
import { nextVersion, type Moment, type ZnodeStore } from './znode-store.js';

const NO_BYTES = new Uint8Array(0);

/**
 * The tree in typed arrays off the heap: a row of integers for each znode, names and values in an arena, an index of
 * (parent, name), a treap of each node's children. The garbage collector sees a few hundred large buffers, whatever the number of znodes.
 */
export class ColumnStore implements ZnodeStore {
  readonly root = f.ROOT_SLOT;
  readonly table = new NodeTable();
  readonly #index = new SlotIndex();
  readonly #order: ChildOrder;
  readonly #copies = new CopyPool();
  readonly #seed: number;
  /** Called before a row is changed, taken into use or freed, while a snapshot is being taken. */
  #beforeChange: ((slot: number) => void) | undefined;

  constructor(seed = 0) {
    this.#seed = seed | 0;
    this.#order = new ChildOrder(this.table, this.#seed);
  }

  /** A store with the root alone, which no write made: all its stat is zero. */
  static withRoot(seed = 0): ColumnStore {
    const store = new ColumnStore(seed);
    const { table } = store;
    const root = table.rows.allocate();
    table.makeRecord(root, NO_BYTES, 0, 0, 0);
    table.putValue(root, NO_BYTES, 0, 0);
    table.digestNode(root, 1);
    return store;
  }

  get count(): number {
    return this.table.rows.count;
  }

  /** Sets or ends what is called before each change of a row. */
  observe(beforeChange: ((slot: number) => void) | undefined): void {
    this.#beforeChange = beforeChange;
  }

  child(parent: number, name: Name): number {
    const { bytes, start, end } = name;
    let slot = this.#index.first(this.#hashOf(parent, name.hash));
    while (slot !== NO_SLOT && !this.table.isChild(slot, parent, bytes, start, end)) slot = this.#index.next();
    return slot;
  }

  insert(parent: number, name: Name, bytes: Uint8Array, start: number, length: number, moment: Moment): number {
    const { table } = this;
    const slot = table.rows.allocate();
    this.#beforeChange?.(slot);
    this.#beforeChange?.(parent);
    table.makeRecord(slot, name.bytes, name.start, name.end, length);
    const row = table.rows.chunk(slot);
    const at = table.rows.at(slot);
    row[at + f.CHILD_ROOT] = 0;
    row[at + f.CHILD_COUNT] = 0;
    row[at + f.CZXID_EPOCH] = row[at + f.MZXID_EPOCH] = row[at + f.PZXID_EPOCH] = moment.epoch;
    row[at + f.CZXID_COUNTER] = row[at + f.MZXID_COUNTER] = row[at + f.PZXID_COUNTER] = moment.counter;
    row[at + f.CTIME_LOW] = row[at + f.MTIME_LOW] = moment.timeLow;
    row[at + f.CTIME_HIGH] = row[at + f.MTIME_HIGH] = moment.timeHigh;
    row[at + f.AVERSION] = row[at + f.VERSION] = row[at + f.CVERSION] = row[at + f.CREATES] = 0;
    row[at + f.EXTRA] = 0;
    table.putValue(slot, bytes, start, length);
    this.#link(slot, parent, name.hash);
    table.hashPath(slot, parent);
    table.digestNode(slot, 1);
    this.#tellParent(parent, 1, moment);
    return slot;
  }

  setData(node: number, bytes: Uint8Array, start: number, length: number, moment: Moment): void {
    const { table } = this;
    this.#beforeChange?.(node);
    table.digestData(node, -1);
    table.resizeRecord(node, length);
    table.putValue(node, bytes, start, length);
    const row = table.rows.chunk(node);
    const at = table.rows.at(node);
    row[at + f.VERSION] = nextVersion(row[at + f.VERSION]!);
    row[at + f.MZXID_EPOCH] = moment.epoch;
    row[at + f.MZXID_COUNTER] = moment.counter;
    row[at + f.MTIME_LOW] = moment.timeLow;
    row[at + f.MTIME_HIGH] = moment.timeHigh;
    table.digestData(node, 1);
  }

  remove(node: number, moment: Moment): void {
    const { table } = this;
    const { rows } = table;
    const parent = rows.get(node, f.PARENT);
    this.#beforeChange?.(node);
    this.#beforeChange?.(parent);
    table.digestNode(node, -1);
    this.#order.remove(parent, node);
    this.#index.remove(rows.get(node, f.HASH), node);
    rows.set(node, f.NAME_MARK, 0);
    table.arena.free(rows.get(node, f.REF));
    rows.free(node);
    this.#tellParent(parent, -1, moment);
  }

  /** Files a node whose row holds its name: in the index, under its parent, and in the parent's count. */
  #link(slot: number, parent: number, hash: number): void {
    const { rows } = this.table;
    const filed = this.#hashOf(parent, hash);
    rows.set(slot, f.PARENT, parent);
    rows.set(slot, f.HASH, filed);
    rows.set(parent, f.CHILD_COUNT, rows.get(parent, f.CHILD_COUNT) + 1);
    this.#index.add(filed, slot);
    this.#order.add(parent, slot);
  }

  /** Files a node that comes from a snapshot: its row holds everything but the links, and its parent's row has its place. */
  linkRestored(slot: number, parent: number): void {
    const { table } = this;
    const start = table.nameOffset(slot);
    this.#link(slot, parent, nameHash(table.recordBytes(slot), start, start + table.nameLength(slot), this.#seed));
  }

  #tellParent(parent: number, created: 1 | -1, moment: Moment): void {
    const { table } = this;
    const row = table.rows.chunk(parent);
    const at = table.rows.at(parent);
    table.digestFamily(parent, -1);
    row[at + f.CVERSION] = nextVersion(row[at + f.CVERSION]!);
    row[at + f.PZXID_EPOCH] = moment.epoch;
    row[at + f.PZXID_COUNTER] = moment.counter;
    if (created === 1) row[at + f.CREATES] = (row[at + f.CREATES]! + 1) | 0;
    else row[at + f.CHILD_COUNT] = row[at + f.CHILD_COUNT]! - 1;
    table.digestFamily(parent, 1);
  }

  stat(node: number): Stat {
    const row = this.table.rows.chunk(node);
    const at = this.table.rows.at(node);
    const czxid = zxidAt(row, at + f.CZXID_EPOCH);
    return {
      czxid,
      mzxid: zxidAt(row, at + f.MZXID_EPOCH),
      ctimeMs: f.joinWords(row[at + f.CTIME_LOW]!, row[at + f.CTIME_HIGH]!),
      mtimeMs: f.joinWords(row[at + f.MTIME_LOW]!, row[at + f.MTIME_HIGH]!),
      version: row[at + f.VERSION]!,
      cversion: row[at + f.CVERSION]!,
      aversion: row[at + f.AVERSION]!,
      ephemeralOwner: ZXID_ZERO,
      dataLength: Math.max(0, row[at + f.DATA_LENGTH]!),
      numChildren: row[at + f.CHILD_COUNT]!,
      pzxid: zxidAt(row, at + f.PZXID_EPOCH),
    };
  }

  version(node: number): number {
    return this.table.rows.get(node, f.VERSION);
  }

  childCount(node: number): number {
    return this.table.rows.get(node, f.CHILD_COUNT);
  }

  creates(node: number): number {
    return this.table.rows.get(node, f.CREATES) >>> 0;
  }

  data(node: number): Uint8Array | null {
    const length = this.table.rows.get(node, f.DATA_LENGTH);
    if (length < 0) return null;
    return this.#copies.copy(this.table.recordBytes(node), this.table.valueOffset(node), length);
  }

  hasData(node: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.table.rows.get(node, f.DATA_LENGTH) !== length) return false;
    const own = this.table.recordBytes(node);
    const offset = this.table.valueOffset(node);
    for (let i = 0; i < length; i++) {
      if (own[offset + i] !== bytes[start + i]) return false;
    }
    return true;
  }

  name(node: number): string {
    const start = this.table.nameOffset(node);
    return readUtf8(this.table.recordBytes(node), start, start + this.table.nameLength(node));
  }

  childrenAfter(node: number, bytes: Uint8Array, start: number, end: number, limit: number): number[] {
    return this.#order.after(node, bytes, start, end, limit);
  }

  #hashOf(parent: number, hash: number): number {
    return finish(hash ^ Math.imul(parent + 1, 0x9e3779b1));
  }
}

function zxidAt(row: Int32Array, at: number): Zxid {
  return { epoch: row[at]! >>> 0, counter: row[at + 1]! >>> 0 };
}
