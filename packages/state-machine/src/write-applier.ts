import {
  type CommandReader,
  countCodePoints,
  type ErrorCode,
  type ErrorResult,
  KIND_CREATE,
  KIND_DELETE,
  KIND_REGISTER_GUESS,
  KIND_REGISTER_WRITE,
  KIND_SET,
  MODE_PERSISTENT,
  type Name,
  nameHashStep,
  PATH_BYTES_MAX,
  PathScanner,
  readUtf8,
  type Result,
  type Zxid,
} from '@zkl/wire';
import type { Change } from './changes.js';
import type { StateLimits } from './limits.js';
import { copyBytes } from './node-table.js';
import type { Register } from './register.js';
import { NO_SLOT } from './slot-index.js';
import type { Moment, ZnodeStore } from './znode-store.js';

/** Digits of a sequential suffix: `%010d`. */
const SUFFIX_DIGITS = 10;
const ANY_VERSION = -1;

/** The rules of the writes: what is checked, in which order, and what changes. */
export class WriteApplier {
  readonly #store: ZnodeStore;
  readonly #register: Register;
  readonly #limits: StateLimits;
  readonly #scanner: PathScanner;
  readonly #name: Name = { bytes: new Uint8Array(0), start: 0, end: 0, hash: 0 };
  /** A sequential path, spelled out. */
  readonly #spelled = new Uint8Array(PATH_BYTES_MAX + SUFFIX_DIGITS);
  /** Changes of the block, when they are wanted. */
  readonly #changes: Change[] | undefined;

  constructor(store: ZnodeStore, register: Register, limits: StateLimits, seed: number, changes: Change[] | undefined) {
    this.#store = store;
    this.#register = register;
    this.#limits = limits;
    this.#scanner = new PathScanner(seed, limits.pathBytesMax);
    this.#changes = changes;
  }

  /** Applies the write that `reader` holds. */
  apply(reader: CommandReader, moment: Moment, leader: number): Result {
    switch (reader.kind) {
      case KIND_CREATE:
        return this.#create(reader, moment);
      case KIND_SET:
        return this.#set(reader, moment);
      case KIND_DELETE:
        return this.#delete(reader, moment);
      case KIND_REGISTER_WRITE:
        return this.#writeRegister(reader, moment);
      case KIND_REGISTER_GUESS:
        return this.#guessRegister(reader, moment, leader);
      default:
        return this.refuse('UNIMPLEMENTED', reader, moment);
    }
  }

  /** Order of checks: mode (the reader's), path, size, parent, suffix, NODE_EXISTS. */
  #create(reader: CommandReader, moment: Moment): Result {
    const { bytes, dataLength, mode } = reader;
    const name = this.#name;
    const isPlain = mode === MODE_PERSISTENT || mode === 2;
    if (!isPlain || reader.ifAbsent) return this.refuse('UNIMPLEMENTED', reader, moment);
    if (!this.#scanner.scan(bytes, reader.pathStart, reader.pathEnd, reader.sequential))
      return this.#badPath(reader, moment);
    if (dataLength > this.#limits.valueBytesMax) return this.refuse('VALUE_TOO_LARGE', reader, moment);
    const last = this.#scanner.count - 1;
    if (last < 0) return this.refuse('NODE_EXISTS', reader, moment);
    const parent = this.#walk(bytes, last);
    if (parent === NO_SLOT) return this.refuse('NO_NODE', reader, moment);
    this.#scanner.component(last, bytes, name);
    let pathStart = reader.pathStart;
    if (reader.sequential) {
      this.#spell(reader, this.#store.creates(parent));
      pathStart = 0;
    }
    const path = readUtf8(name.bytes, pathStart, name.end);
    const zxid = zxidOf(moment);
    if (this.#store.child(parent, name) !== NO_SLOT) return { kind: 'error', zxid, code: 'NODE_EXISTS', path };
    const node = this.#store.insert(parent, name, bytes, reader.dataStart, dataLength, moment);
    this.#changes?.push({ type: 'created', path, zxid });
    return { kind: 'created', zxid, path, stat: this.#store.stat(node), created: true };
  }

  /** Spells out the path of a sequential node; `#name` is then its last component. */
  #spell(reader: CommandReader, counter: number): void {
    const name = this.#name;
    const spelled = this.#spelled;
    const prefixLength = reader.pathEnd - reader.pathStart;
    copyBytes(reader.bytes, reader.pathStart, prefixLength, spelled, 0);
    const end = prefixLength + SUFFIX_DIGITS;
    for (let at = end - 1, rest = counter; at >= prefixLength; at--, rest = Math.floor(rest / 10)) {
      spelled[at] = 0x30 + (rest % 10);
    }
    for (let at = prefixLength; at < end; at++) name.hash = nameHashStep(name.hash, spelled[at]!);
    name.bytes = spelled;
    name.start -= reader.pathStart;
    name.end = end;
  }

  #set(reader: CommandReader, moment: Moment): Result {
    const { bytes, dataLength } = reader;
    if (!this.#scanner.scan(bytes, reader.pathStart, reader.pathEnd, false)) return this.#badPath(reader, moment);
    if (dataLength > this.#limits.valueBytesMax) return this.refuse('VALUE_TOO_LARGE', reader, moment);
    const node = this.#walk(bytes, this.#scanner.count);
    if (node === NO_SLOT) return this.refuse('NO_NODE', reader, moment);
    if (!this.#hasVersion(node, reader.expectedVersion)) return this.refuse('BAD_VERSION', reader, moment);
    this.#store.setData(node, bytes, reader.dataStart, dataLength, moment);
    const zxid = zxidOf(moment);
    this.#changes?.push({ type: 'set', path: pathOf(reader), zxid });
    return { kind: 'set', zxid, stat: this.#store.stat(node) };
  }

  /** The version is checked before emptiness. */
  #delete(reader: CommandReader, moment: Moment): Result {
    const { bytes } = reader;
    if (!this.#scanner.scan(bytes, reader.pathStart, reader.pathEnd, false)) return this.#badPath(reader, moment);
    if (this.#scanner.count === 0) return this.refuse('BAD_ARGUMENTS', reader, moment);
    const node = this.#walk(bytes, this.#scanner.count);
    if (node === NO_SLOT) return this.refuse('NO_NODE', reader, moment);
    if (!this.#hasVersion(node, reader.expectedVersion)) return this.refuse('BAD_VERSION', reader, moment);
    if (this.#store.childCount(node) !== 0) return this.refuse('NOT_EMPTY', reader, moment);
    this.#store.remove(node, moment);
    const zxid = zxidOf(moment);
    this.#changes?.push({ type: 'deleted', path: pathOf(reader), zxid });
    return { kind: 'deleted', zxid };
  }

  #writeRegister(reader: CommandReader, moment: Moment): Result {
    if (reader.dataLength > this.#limits.valueBytesMax) return this.refuse('VALUE_TOO_LARGE', reader, moment);
    const zxid = zxidOf(moment);
    const version = this.#register.write(reader.bytes, reader.dataStart, reader.dataLength, moment, this.#changes);
    return { kind: 'registerWritten', zxid, version };
  }

  #guessRegister(reader: CommandReader, moment: Moment, leader: number): Result {
    const matched = this.#register.guess(reader.bytes, reader.dataStart, reader.dataLength);
    return { kind: 'guessed', zxid: zxidOf(moment), matched, version: this.#register.version(), leader };
  }

  #hasVersion(node: number, expected: number): boolean {
    return expected === ANY_VERSION || expected === this.#store.version(node);
  }

  /** The node at the first `count` components of the path scanned last, or NO_SLOT. */
  #walk(bytes: Uint8Array, count: number): number {
    let node = this.#store.root;
    for (let i = 0; i < count && node !== NO_SLOT; i++) {
      this.#scanner.component(i, bytes, this.#name);
      node = this.#store.child(node, this.#name);
    }
    return node;
  }

  #badPath(reader: CommandReader, moment: Moment): ErrorResult {
    const isText = countCodePoints(reader.bytes, reader.pathStart, reader.pathEnd) >= 0;
    if (isText) return this.refuse('BAD_ARGUMENTS', reader, moment);
    return { kind: 'error', zxid: zxidOf(moment), code: 'MARSHALLING_ERROR', path: undefined };
  }

  /** An error that speaks of the command's path; one that is too long, or no text, is left out. */
  refuse(code: ErrorCode, reader: CommandReader, moment: Moment): ErrorResult {
    const { hasPath, bytes, pathStart, pathEnd } = reader;
    const isShown = hasPath && pathEnd - pathStart <= this.#limits.pathBytesMax;
    const path = isShown && countCodePoints(bytes, pathStart, pathEnd) >= 0 ? pathOf(reader) : undefined;
    return { kind: 'error', zxid: zxidOf(moment), code, path };
  }
}

function pathOf(reader: CommandReader): string {
  return readUtf8(reader.bytes, reader.pathStart, reader.pathEnd);
}

export function zxidOf(moment: Moment): Zxid {
  return { epoch: moment.epoch, counter: moment.counter };
}
