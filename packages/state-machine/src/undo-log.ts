import type { Quota } from '@zkl/wire';
import { assert } from './assert.js';
import type { ColumnStore } from './column-store.js';
import * as f from './node-fields.js';

/** What a change is charged beyond the bytes it keeps. */
const CHANGE_CHARGE_BYTES = 128;

/** The parent's knowledge of its children, before a change of them. */
interface Family {
  readonly parent: number;
  readonly words: Int32Array;
}

type Change =
  | ({ readonly kind: 'inserted'; readonly slot: number } & Family)
  | { readonly kind: 'set'; readonly slot: number; readonly words: Int32Array; readonly value: Uint8Array }
  | ({ readonly kind: 'removed'; readonly node: RemovedNode } & Family);

/** Everything about a node that was removed. */
export interface RemovedNode {
  readonly slot: number;
  readonly name: Uint8Array;
  readonly value: Uint8Array;
  readonly image: Int32Array;
  readonly mode: number;
  readonly params: readonly [number, number] | undefined;
  readonly quota: Quota | undefined;
}

/**
 * The changes of a transaction, so that they can be taken back, the last first. Slots are used again in the opposite order of their being freed, so
 * each node that comes back gets the slot it had, and what was noted about it before holds.
 */
export class UndoLog {
  /** What the log keeps, in bytes: a function of the state and the changes alone. */
  chargedBytes = 0;
  readonly #store: ColumnStore;
  readonly #changes: Change[] = [];

  constructor(store: ColumnStore) {
    this.#store = store;
  }

  /** Before a node is filled in. */
  onInsert(slot: number, parent: number): void {
    this.#note({ kind: 'inserted', slot, parent, words: this.#words(parent, f.FAMILY, f.FAMILY_WORDS) }, 0);
  }

  onSet(slot: number): void {
    const value = this.#value(slot);
    this.#note({ kind: 'set', slot, words: this.#words(slot, f.DATA, f.DATA_WORDS), value }, value.length);
  }

  onRemove(slot: number, parent: number): void {
    const { table, extras, quotas } = this.#store;
    const start = table.nameOffset(slot);
    const node: RemovedNode = {
      slot,
      name: table.recordBytes(slot).slice(start, start + table.nameLength(slot)),
      value: this.#value(slot),
      image: this.#words(slot, f.IMAGE, f.IMAGE_WORDS),
      mode: extras.mode(slot),
      params: table.rows.get(slot, f.EXTRA) === 0 ? undefined : extras.params(slot),
      quota: quotas.get(slot)?.quota,
    };
    const words = this.#words(parent, f.FAMILY, f.FAMILY_WORDS);
    this.#note({ kind: 'removed', node, parent, words }, node.name.length + node.value.length);
  }

  /** Takes everything back. */
  rollback(): void {
    const store = this.#store;
    store.journal(undefined);
    for (let change = this.#changes.pop(); change !== undefined; change = this.#changes.pop()) {
      switch (change.kind) {
        case 'inserted':
          store.uninsert(change.slot, change.parent, change.words);
          break;
        case 'set':
          store.unset(change.slot, change.words, change.value);
          break;
        case 'removed':
          store.unremove(change.node, change.parent, change.words);
          break;
      }
    }
  }

  #note(change: Change, bytes: number): void {
    this.chargedBytes += bytes + CHANGE_CHARGE_BYTES;
    this.#changes.push(change);
  }

  #words(slot: number, field: number, count: number): Int32Array {
    const { rows } = this.#store.table;
    const at = rows.at(slot) + field;
    return rows.chunk(slot).slice(at, at + count);
  }

  #value(slot: number): Uint8Array {
    const { table } = this.#store;
    const length = Math.max(0, table.rows.get(slot, f.DATA_LENGTH));
    const start = table.valueOffset(slot);
    return table.recordBytes(slot).slice(start, start + length);
  }
}

/** A node came back to another slot than it had: nothing noted about it would hold. */
export function assertSameSlot(slot: number, expected: number): void {
  assert(slot === expected, 'a node came back to another slot');
}
