import { PATH_BYTES_MAX, ZXID_ZERO } from '@zkl/wire';
import type { ChangeHistory } from './change-history.js';
import type { ColumnStore } from './column-store.js';
import * as f from './node-fields.js';
import type { Moment } from './znode-store.js';

/** A path as a range of bytes. */
export interface PathBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Spells out the path of a node from the names above it. What it answers with holds until the next call. */
export class PathSpeller {
  readonly #store: ColumnStore;
  readonly #bytes = new Uint8Array(PATH_BYTES_MAX);

  constructor(store: ColumnStore) {
    this.#store = store;
  }

  spell(node: number): PathBytes {
    const { table } = this.#store;
    const bytes = this.#bytes;
    const end = bytes.length;
    let start = end;
    for (let at = node; at !== f.ROOT_SLOT; at = table.rows.get(at, f.PARENT)) {
      const length = table.nameLength(at);
      const from = table.nameOffset(at);
      start -= length;
      bytes.set(table.recordBytes(at).subarray(from, from + length), start);
      bytes[--start] = 0x2f;
    }
    if (start === end) bytes[--start] = 0x2f;
    return { bytes, start, end };
  }
}

/** Tells the history what the rules do to nodes. */
export class ChangeRecorder {
  readonly #history: ChangeHistory;
  readonly #store: ColumnStore;

  constructor(history: ChangeHistory, store: ColumnStore) {
    this.#history = history;
    this.#store = store;
  }

  /** After a node was made. */
  created(node: number, path: PathBytes, moment: Moment): void {
    const { table } = this.#store;
    const length = table.rows.get(node, f.DATA_LENGTH);
    const offset = this.#history.append('created', moment.epoch, moment.counter, path, length, -1);
    this.#history.put(offset, table.recordBytes(node), table.valueOffset(node), length);
    this.#describe(node);
  }

  /** Before a node's data are replaced by `length` bytes: answers with what `set` wants. */
  beforeSet(node: number, path: PathBytes, length: number, moment: Moment): number {
    const { table } = this.#store;
    const previous = table.rows.get(node, f.DATA_LENGTH);
    const offset = this.#history.append('set', moment.epoch, moment.counter, path, length, previous);
    const after = offset < 0 ? offset : offset + Math.max(0, length);
    this.#history.put(after, table.recordBytes(node), table.valueOffset(node), previous);
    return offset;
  }

  /** After they were replaced by `length` bytes from `start`. */
  set(node: number, offset: number, bytes: Uint8Array, start: number, length: number): void {
    this.#history.put(offset, bytes, start, length);
    this.#describe(node);
  }

  /** Before a node is removed. */
  beforeRemove(node: number, path: PathBytes, moment: Moment): void {
    const { table } = this.#store;
    const previous = table.rows.get(node, f.DATA_LENGTH);
    const offset = this.#history.append('deleted', moment.epoch, moment.counter, path, -1, previous);
    this.#history.put(offset, table.recordBytes(node), table.valueOffset(node), previous);
    this.#describe(node);
  }

  #describe(node: number): void {
    const { rows } = this.#store.table;
    const owner = rows.get(node, f.EXTRA) === 0 ? ZXID_ZERO : (this.#store.extras.owner(node) ?? ZXID_ZERO);
    this.#history.describe(rows.chunk(node), rows.at(node), owner);
  }
}
