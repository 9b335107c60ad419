import { type ErrorCode, type Name, nameHash, utf8Length, writeUtf8, type Zxid } from '@zkl/wire';
import { REGISTER_PARENT_PATH, REGISTER_PATH } from './limits.js';
import type { RegisterAnswer } from './reads.js';
import { NO_SLOT } from './slot-index.js';
import type { Moment } from './znode-store.js';
import type { ColumnStore } from './column-store.js';
import type { ChangeRecorder, PathBytes } from './change-recorder.js';

const ZXID_ZERO: Zxid = { epoch: 0, counter: 0 };
const NO_BYTES = new Uint8Array(0);
const REGISTER_PARENT = pathBytes(REGISTER_PARENT_PATH);
const REGISTER = pathBytes(REGISTER_PATH);

/** The register: one value, on a znode like any other, and the counters of guesses and hits beside the tree. */
export class Register {
  guesses = 0;
  hits = 0;
  readonly #store: ColumnStore;
  readonly #parentName: Name;
  readonly #name: Name;

  constructor(store: ColumnStore, seed: number) {
    this.#store = store;
    this.#parentName = lastComponent(REGISTER_PARENT_PATH, seed);
    this.#name = lastComponent(REGISTER_PATH, seed);
  }

  /** Replaces the value; the first write makes the znodes. Answers with the register's version after it, or why it is refused. */
  write(
    bytes: Uint8Array,
    start: number,
    length: number,
    moment: Moment,
    recorder: ChangeRecorder | undefined,
  ): number | ErrorCode {
    const store = this.#store;
    const known = store.child(store.root, this.#parentName);
    const node = known === NO_SLOT ? NO_SLOT : store.child(known, this.#name);
    const refusal = this.#refusal(known, node, length);
    if (refusal !== undefined) return refusal;
    if (node !== NO_SLOT) {
      const offset = recorder?.beforeSet(node, REGISTER, length, moment);
      store.setData(node, bytes, start, length, moment);
      if (offset !== undefined) recorder?.set(node, offset, bytes, start, length);
    } else {
      const parent = known === NO_SLOT ? this.#makeParent(moment, recorder) : known;
      const made = store.insert(parent, this.#name, bytes, start, length, moment);
      recorder?.created(made, REGISTER, moment);
    }
    return this.version();
  }

  #makeParent(moment: Moment, recorder: ChangeRecorder | undefined): number {
    const { root } = this.#store;
    const parent = this.#store.insert(root, this.#parentName, NO_BYTES, 0, -1, moment);
    recorder?.created(parent, REGISTER_PARENT, moment);
    return parent;
  }

  /** The znodes may have been made by others, and stand under a quota. */
  #refusal(parent: number, node: number, length: number): ErrorCode | undefined {
    const store = this.#store;
    const { quotas } = store;
    if (node !== NO_SLOT) {
      return quotas.exceeds(node, 0, length - store.dataLength(node)) ? 'QUOTA_EXCEEDED' : undefined;
    }
    if (parent === NO_SLOT) return quotas.exceeds(store.root, 2, length) ? 'QUOTA_EXCEEDED' : undefined;
    if (store.isEphemeral(parent)) return 'NO_CHILDREN_FOR_EPHEMERALS';
    return quotas.exceeds(parent, 1, length) ? 'QUOTA_EXCEEDED' : undefined;
  }

  /** Whether the register holds these bytes. Counts the guess. */
  guess(bytes: Uint8Array, start: number, length: number): boolean {
    const node = this.#find();
    const matched = node !== NO_SLOT && this.#store.hasData(node, bytes, start, length);
    this.guesses++;
    if (matched) this.hits++;
    return matched;
  }

  /** 1 after the first write; 0 while there is none. */
  version(): number {
    const node = this.#find();
    return node === NO_SLOT ? 0 : (this.#store.version(node) + 1) >>> 0;
  }

  read(): RegisterAnswer {
    const { guesses, hits } = this;
    const node = this.#find();
    if (node === NO_SLOT) return { value: undefined, version: 0, mzxid: ZXID_ZERO, guesses, hits };
    const value = this.#store.data(node) ?? undefined;
    return { value, version: this.version(), mzxid: this.#store.stat(node).mzxid, guesses, hits };
  }

  #find(): number {
    const parent = this.#store.child(this.#store.root, this.#parentName);
    return parent === NO_SLOT ? NO_SLOT : this.#store.child(parent, this.#name);
  }
}

function lastComponent(path: string, seed: number): Name {
  const text = path.slice(path.lastIndexOf('/') + 1);
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(text, bytes, 0);
  return { bytes, start: 0, end: bytes.length, hash: nameHash(bytes, 0, bytes.length, seed) };
}

function pathBytes(path: string): PathBytes {
  const bytes = new Uint8Array(utf8Length(path));
  return { bytes, start: 0, end: writeUtf8(path, bytes, 0) };
}
