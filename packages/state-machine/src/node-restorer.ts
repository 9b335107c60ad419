import { MODE_CONTAINER, MODE_EPHEMERAL, MODE_TTL, type ByteReader, type Quota } from '@zkl/wire';
import type { ColumnStore } from './column-store.js';
import type { StateLimits } from './limits.js';
import * as f from './node-fields.js';
import { NO_SLOT } from './slot-index.js';
import { SnapshotDamagedError } from './snapshot-format.js';

/** No row numbers above this: a forged header must not make the reader take all memory. */
const SLOTS_MAX = 1 << 28;
const FIXED_BYTES = 12 + 4 * f.IMAGE_WORDS;

interface Special {
  readonly mode: number;
  readonly a: number;
  readonly b: number;
  readonly quota: Quota | undefined;
}

/**
 * Takes nodes from a snapshot into an empty store, in any order and at the slots they had. A node is filed at once; its path's hash, and
 * so its digest, wait until its ancestors have come.
 */
export class NodeRestorer {
  readonly #store: ColumnStore;
  readonly #limits: StateLimits;
  readonly #image = new Int32Array(f.IMAGE_WORDS);
  #end = 0;
  /** 1 for slots whose path is known. */
  #known = new Uint8Array(0);
  /** What nodes are beyond plain ones, by slot: taken in last, when sessions and children are there. */
  readonly #specials = new Map<number, Special>();
  /** Nodes that wait, by the parent they wait for. */
  readonly #waiting = new Map<number, number[]>();

  constructor(store: ColumnStore, limits: StateLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** All slots are below `end`. */
  begin(end: number): void {
    if (end < 1 || end > SLOTS_MAX) throw new SnapshotDamagedError('it names an impossible number of nodes');
    this.#end = end;
    this.#known = new Uint8Array(end);
  }

  /** Reads what follows the kind of a record; false when it is not whole. */
  read(reader: ByteReader, isSpecial: boolean): boolean {
    if (reader.end - reader.at < FIXED_BYTES) return false;
    const slot = reader.u32();
    const parent = reader.u32();
    const nameLength = reader.u32();
    for (let i = 0; i < f.IMAGE_WORDS; i++) this.#image[i] = reader.i32();
    const dataLength = this.#image[f.DATA_LENGTH - f.IMAGE]!;
    const special = isSpecial ? readSpecial(reader) : undefined;
    if (reader.failed) return false;
    this.#check(slot, parent, nameLength, dataLength);
    const nameStart = reader.skip(nameLength);
    const dataStart = reader.skip(Math.max(0, dataLength));
    if (reader.failed) return false;
    this.#add(slot, parent, reader.bytes, nameStart, nameLength, dataStart, dataLength);
    if (special !== undefined) this.#specials.set(slot, special);
    return true;
  }

  #check(slot: number, parent: number, nameLength: number, dataLength: number): void {
    const isRoot = slot === f.ROOT_SLOT;
    const isPlace = slot < this.#end && parent < this.#end && (isRoot ? parent === slot : parent !== slot);
    const isName = isRoot ? nameLength === 0 : nameLength > 0 && nameLength < this.#limits.pathBytesMax;
    if (!isPlace || !isName) throw new SnapshotDamagedError('a node has an impossible place or name');
    const isData = dataLength >= -1 && dataLength <= this.#limits.valueBytesMax;
    if (!isData) throw new SnapshotDamagedError('the data of a node have an impossible length');
  }

  #add(
    slot: number,
    parent: number,
    bytes: Uint8Array,
    nameStart: number,
    nameLength: number,
    dataStart: number,
    dataLength: number,
  ): void {
    const { table } = this.#store;
    const { rows } = table;
    rows.reserve(Math.max(slot, parent));
    if (table.isLive(slot)) throw new SnapshotDamagedError('a node is there twice');
    rows.chunk(slot).set(this.#image, rows.at(slot) + f.IMAGE);
    table.makeRecord(slot, bytes, nameStart, nameStart + nameLength, dataLength);
    table.putValue(slot, bytes, dataStart, dataLength);
    if (slot === f.ROOT_SLOT) this.#know(slot);
    else {
      this.#store.linkRestored(slot, parent);
      if (this.#known[parent] === 1) this.#know(slot);
      else this.#wait(slot, parent);
    }
  }

  #wait(slot: number, parent: number): void {
    const others = this.#waiting.get(parent);
    if (others === undefined) this.#waiting.set(parent, [slot]);
    else others.push(slot);
  }

  /** The path of a node is known now, and so are those of all that waited below it. */
  #know(first: number): void {
    const { table } = this.#store;
    const slots = [first];
    for (let slot = slots.pop(); slot !== undefined; slot = slots.pop()) {
      if (slot === f.ROOT_SLOT) {
        table.rows.set(slot, f.PATH_A, 0);
        table.rows.set(slot, f.PATH_B, 0);
      } else table.hashPath(slot, table.rows.get(slot, f.PARENT));
      table.digestNode(slot, 1);
      this.#known[slot] = 1;
      const children = this.#waiting.get(slot);
      if (children === undefined) continue;
      this.#waiting.delete(slot);
      for (const child of children) slots.push(child);
    }
  }

  /** After the last node: every one has all its ancestors. */
  finish(): void {
    if (this.#known[f.ROOT_SLOT] !== 1 || this.#waiting.size > 0)
      throw new SnapshotDamagedError('nodes lack their parents');
    this.#store.table.rows.adopt(this.#end, (slot) => this.#store.table.isLive(slot));
    for (const [slot, special] of this.#specials) this.#makeSpecial(slot, special);
    this.#store.quotas.recount((slot) => this.#store.table.isLive(slot), this.#end);
  }

  #makeSpecial(slot: number, { mode, a, b, quota }: Special): void {
    const { extras, quotas } = this.#store;
    if (mode !== 0) {
      const isKnown = mode === MODE_EPHEMERAL || mode === MODE_CONTAINER || mode === MODE_TTL;
      if (!isKnown || slot === f.ROOT_SLOT) throw new SnapshotDamagedError('a node is of an impossible kind');
      const isOwned = mode !== MODE_EPHEMERAL || extras.sessions.find(a >>> 0, b >>> 0) !== NO_SLOT;
      if (!isOwned) throw new SnapshotDamagedError('an ephemeral lacks its session');
      extras.endow(slot, mode, a, b);
    }
    if (quota !== undefined) quotas.set(slot, quota);
  }
}

function readSpecial(reader: ByteReader): Special {
  const mode = reader.u32();
  const a = reader.i32();
  const b = reader.i32();
  const bits = reader.i32();
  if (bits < 0) return { mode, a, b, quota: undefined };
  const bound = (bit: number): number | undefined => ((bits & (1 << bit)) === 0 ? undefined : reader.u53());
  const quota = { countSoft: bound(0), countHard: bound(1), bytesSoft: bound(2), bytesHard: bound(3) };
  return { mode, a, b, quota };
}
