import { MODE_EPHEMERAL, type Quota, ZXID_ZERO, type Name, nameHash, readUtf8, type Stat, type Zxid } from '@zkl/wire';
import { ChildOrder } from './child-order.js';
import { CopyPool } from './copy-pool.js';
import { finish } from './hash.js';
import * as f from './node-fields.js';
import { NodeExtras } from './node-extras.js';
import { NodeTable } from './node-table.js';
import { QuotaTable } from './quota-table.js';
import { assertSameSlot, type RemovedNode, type UndoLog } from './undo-log.js';
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
  readonly extras = new NodeExtras(this.table);
  readonly quotas = new QuotaTable(this.table);
  readonly #copies = new CopyPool();
  #undo: UndoLog | undefined;
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

  /** What a child of this name is filed under in the index. */
  filedUnder(parent: number, name: Name): number {
    return this.#hashOf(parent, name.hash);
  }

  /** Reads something of the index, the rows and the records of what is filed under the first `count` hashes, which it overwrites: see Lookahead. */
  touch(hashes: Int32Array, count: number): number {
    const { rows, arena } = this.table;
    // One kind of read after the other: those of one loop do not wait for each other.
    for (let i = 0; i < count; i++) hashes[i] = this.#index.glance(hashes[i]!);
    for (let i = 0; i < count; i++) if (hashes[i] !== NO_SLOT) hashes[i] = rows.get(hashes[i]!, f.REF);
    let seen = 0;
    for (let i = 0; i < count; i++) if (hashes[i] !== NO_SLOT) seen ^= arena.glance(hashes[i]!);
    return seen;
  }

  insert(parent: number, name: Name, bytes: Uint8Array, start: number, length: number, moment: Moment): number {
    const { table } = this;
    const slot = table.rows.allocate();
    this.#beforeChange?.(slot);
    this.#beforeChange?.(parent);
    this.#undo?.onInsert(slot, parent);
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
    if (this.quotas.count !== 0) this.quotas.charge(parent, 1, Math.max(0, length));
    return slot;
  }

  /** Makes the node that was inserted last an ephemeral, a container or one with a TTL: see NodeExtras.endow. */
  endow(node: number, mode: number, a: number, b: number): void {
    this.extras.endow(node, mode, a, b);
  }

  /** Puts a quota on a node, or takes it away. */
  setQuota(node: number, quota: Quota | undefined): void {
    this.#beforeChange?.(node);
    this.quotas.set(node, quota);
  }

  /** From here on changes can be taken back, until `undefined` is given. */
  journal(undo: UndoLog | undefined): void {
    this.#undo = undo;
  }

  setData(node: number, bytes: Uint8Array, start: number, length: number, moment: Moment): void {
    const { table } = this;
    this.#beforeChange?.(node);
    this.#undo?.onSet(node);
    if (this.quotas.count !== 0) {
      this.quotas.charge(node, 0, Math.max(0, length) - Math.max(0, table.rows.get(node, f.DATA_LENGTH)));
    }
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
    this.#undo?.onRemove(node, parent);
    this.take(node, parent);
    rows.set(parent, f.CHILD_COUNT, rows.get(parent, f.CHILD_COUNT) - 1);
    this.#tellParent(parent, -1, moment);
  }

  /** Takes a node out of everything but its parent's row, and frees it. */
  take(node: number, parent: number): void {
    const { table } = this;
    const { rows } = table;
    if (this.quotas.count !== 0) {
      this.quotas.set(node, undefined);
      this.quotas.charge(parent, -1, -Math.max(0, rows.get(node, f.DATA_LENGTH)));
    }
    if (rows.get(node, f.EXTRA) !== 0) this.extras.strip(node);
    table.digestNode(node, -1);
    this.#order.remove(parent, node);
    this.#index.remove(rows.get(node, f.HASH), node);
    rows.set(node, f.NAME_MARK, 0);
    table.arena.free(rows.get(node, f.REF));
    rows.free(node);
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

  /** Takes an insert back: `family` is what the parent's row held. */
  uninsert(slot: number, parent: number, family: Int32Array): void {
    const { rows } = this.table;
    this.take(slot, parent);
    rows.set(parent, f.CHILD_COUNT, rows.get(parent, f.CHILD_COUNT) - 1);
    this.#restoreFamily(parent, family);
  }

  /** Takes a set back: `words` are the data fields as they were. */
  unset(slot: number, words: Int32Array, value: Uint8Array): void {
    const { table } = this;
    const length = words[f.DATA_LENGTH - f.DATA]!;
    if (this.quotas.count !== 0) {
      this.quotas.charge(slot, 0, Math.max(0, length) - Math.max(0, table.rows.get(slot, f.DATA_LENGTH)));
    }
    table.digestData(slot, -1);
    table.resizeRecord(slot, length);
    table.putValue(slot, value, 0, length);
    table.rows.chunk(slot).set(words, table.rows.at(slot) + f.DATA);
    table.digestData(slot, 1);
  }

  /** Takes a removal back: the node gets the slot it had. */
  unremove(node: RemovedNode, parent: number, family: Int32Array): void {
    const { table } = this;
    const { slot, name, value, image } = node;
    assertSameSlot(table.rows.allocate(), slot);
    this.#beforeChange?.(slot);
    const length = image[f.DATA_LENGTH - f.IMAGE]!;
    table.makeRecord(slot, name, 0, name.length, length);
    table.rows.chunk(slot).set(image, table.rows.at(slot) + f.IMAGE);
    table.putValue(slot, value, 0, length);
    for (const field of [f.CHILD_ROOT, f.CHILD_COUNT, f.EXTRA]) table.rows.set(slot, field, 0);
    this.#link(slot, parent, nameHash(name, 0, name.length, this.#seed));
    table.digestNode(slot, 1);
    if (node.params !== undefined) this.extras.endow(slot, node.mode, node.params[0], node.params[1]);
    this.#restoreFamily(parent, family);
    if (node.quota !== undefined) this.quotas.set(slot, node.quota);
    // The node counts for itself; what was below it comes back later, and counts then.
    if (this.quotas.count !== 0) this.quotas.charge(slot, 1, Math.max(0, length));
  }

  #restoreFamily(parent: number, family: Int32Array): void {
    const { table } = this;
    table.digestFamily(parent, -1);
    table.rows.chunk(parent).set(family, table.rows.at(parent) + f.FAMILY);
    table.digestFamily(parent, 1);
    if (table.rows.get(parent, f.EXTRA) !== 0) this.extras.onFamily(parent);
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
    table.digestFamily(parent, 1);
    if (row[at + f.EXTRA] !== 0) this.extras.onFamily(parent);
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
      ephemeralOwner: row[at + f.EXTRA] === 0 ? ZXID_ZERO : (this.extras.owner(node) ?? ZXID_ZERO),
      dataLength: Math.max(0, row[at + f.DATA_LENGTH]!),
      numChildren: row[at + f.CHILD_COUNT]!,
      pzxid: zxidAt(row, at + f.PZXID_EPOCH),
    };
  }

  /** The stat as `writeStat` of @zkl/wire lays it out, into `words` from `start` on. */
  statWords(node: number, words: Int32Array, start: number): void {
    const row = this.table.rows.chunk(node);
    const at = this.table.rows.at(node);
    const owner = row[at + f.EXTRA] === 0 ? undefined : this.extras.owner(node);
    words[start] = row[at + f.CZXID_EPOCH]!;
    words[start + 1] = row[at + f.CZXID_COUNTER]!;
    words[start + 2] = row[at + f.MZXID_EPOCH]!;
    words[start + 3] = row[at + f.MZXID_COUNTER]!;
    words[start + 4] = row[at + f.PZXID_EPOCH]!;
    words[start + 5] = row[at + f.PZXID_COUNTER]!;
    words[start + 6] = row[at + f.CTIME_LOW]!;
    words[start + 7] = row[at + f.CTIME_HIGH]!;
    words[start + 8] = row[at + f.MTIME_LOW]!;
    words[start + 9] = row[at + f.MTIME_HIGH]!;
    words[start + 10] = row[at + f.VERSION]!;
    words[start + 11] = row[at + f.CVERSION]!;
    words[start + 12] = row[at + f.AVERSION]!;
    words[start + 13] = owner?.epoch ?? 0;
    words[start + 14] = owner?.counter ?? 0;
    words[start + 15] = Math.max(0, row[at + f.DATA_LENGTH]!);
    words[start + 16] = row[at + f.CHILD_COUNT]!;
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

  mode(node: number): number {
    return this.extras.mode(node);
  }

  isEphemeral(node: number): boolean {
    return this.table.rows.get(node, f.EXTRA) !== 0 && this.extras.mode(node) === MODE_EPHEMERAL;
  }

  /** Bytes of the data; 0 for null. */
  dataLength(node: number): number {
    return Math.max(0, this.table.rows.get(node, f.DATA_LENGTH));
  }

  /** Whether this write made the node. */
  wasCreatedBy(node: number, epoch: number, counter: number): boolean {
    const { rows } = this.table;
    return rows.get(node, f.CZXID_EPOCH) >>> 0 === epoch && rows.get(node, f.CZXID_COUNTER) >>> 0 === counter;
  }

  /** Nodes in the order in which they were made; those of one transaction by the hashes of their paths. */
  inOrderOfCreation(nodes: readonly number[]): number[] {
    const { rows } = this.table;
    const word = (node: number, field: number): number => rows.get(node, field) >>> 0;
    const fields = [f.CZXID_EPOCH, f.CZXID_COUNTER, f.PATH_A, f.PATH_B];
    return [...nodes].sort((a, b) => {
      const field = fields.find((one) => word(a, one) !== word(b, one));
      return field === undefined ? 0 : word(a, field) - word(b, field);
    });
  }

  /** Negative, 0 or positive, as the data are before, equal to or after these bytes; null, of length -1, is before all and equal to itself. */
  compareData(node: number, bytes: Uint8Array, start: number, length: number): number {
    const own = this.table.rows.get(node, f.DATA_LENGTH);
    const record = this.table.recordBytes(node);
    const offset = this.table.valueOffset(node);
    for (let i = 0; i < own && i < length; i++) {
      const difference = record[offset + i]! - bytes[start + i]!;
      if (difference !== 0) return difference;
    }
    return own - length;
  }

  /** A node with all below it, parents before their children; undefined when there are more than `max`. */
  subtree(top: number, max: number): number[] | undefined {
    const slots = [top];
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (this.childCount(slot) === 0) continue;
      if (slots.length + this.childCount(slot) > max) return undefined;
      for (const child of this.#childrenOf(slot)) slots.push(child);
    }
    return slots;
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

  #childrenOf(node: number): number[] {
    return this.#order.after(node, NO_BYTES, 0, 0, Infinity);
  }

  #hashOf(parent: number, hash: number): number {
    return finish(hash ^ Math.imul(parent + 1, 0x9e3779b1));
  }
}

function zxidAt(row: Int32Array, at: number): Zxid {
  return { epoch: row[at]! >>> 0, counter: row[at + 1]! >>> 0 };
}
