import { type Name, nameHash, utf8Length, writeUtf8, type Zxid } from '@zkl/wire';
import type { Change } from './changes.js';
import { REGISTER_PARENT_PATH, REGISTER_PATH } from './limits.js';
import type { RegisterAnswer } from './reads.js';
import { NO_SLOT } from './slot-index.js';
import type { Moment, ZnodeStore } from './znode-store.js';

const ZXID_ZERO: Zxid = { epoch: 0, counter: 0 };
const NO_BYTES = new Uint8Array(0);

/** The register: one value, on a znode like any other, and the counters of guesses and hits beside the tree. */
export class Register {
  guesses = 0;
  hits = 0;
  readonly #store: ZnodeStore;
  readonly #parentName: Name;
  readonly #name: Name;

  constructor(store: ZnodeStore, seed: number) {
    this.#store = store;
    this.#parentName = lastComponent(REGISTER_PARENT_PATH, seed);
    this.#name = lastComponent(REGISTER_PATH, seed);
  }

  /** Replaces the value; the first write makes the znodes. Answers with the register's version after it. */
  write(bytes: Uint8Array, start: number, length: number, moment: Moment, changes: Change[] | undefined): number {
    const store = this.#store;
    const zxid = { epoch: moment.epoch, counter: moment.counter };
    let parent = store.child(store.root, this.#parentName);
    if (parent === NO_SLOT) {
      parent = store.insert(store.root, this.#parentName, NO_BYTES, 0, -1, moment);
      changes?.push({ type: 'created', path: REGISTER_PARENT_PATH, zxid });
    }
    const node = store.child(parent, this.#name);
    if (node === NO_SLOT) store.insert(parent, this.#name, bytes, start, length, moment);
    else store.setData(node, bytes, start, length, moment);
    changes?.push({ type: node === NO_SLOT ? 'created' : 'set', path: REGISTER_PATH, zxid });
    return this.version();
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
