import {
  countCodePoints,
  isEphemeralMode,
  MODE_CONTAINER,
  MODE_EPHEMERAL,
  MODE_PERSISTENT,
  MODE_TTL,
  nameHashStep,
  PATH_BYTES_MAX,
  PathScanner,
  readUtf8,
  TTL_MS_MAX,
  type CommandReader,
  type ErrorCode,
  type ErrorResult,
  type Name,
  type OperationResult,
  type Result,
  type Zxid,
} from '@zkl/wire';
import { PathSpeller, type ChangeRecorder } from './change-recorder.js';
import type { ColumnStore } from './column-store.js';
import type { StateLimits } from './limits.js';
import { highWord, lowWord } from './node-fields.js';
import { copyBytes, LOOP_COPY_BYTES_MAX } from './node-table.js';
import { NO_SLOT } from './slot-index.js';
import type { Moment } from './znode-store.js';

/** Digits of a sequential suffix: `%010d`. */
const SUFFIX_DIGITS = 10;
const ANY_VERSION = -1;

/** What a write of the tree, alone or in a transaction, gives. */
type TreeResult = Extract<OperationResult, Result>;

/** The rules of the writes of the tree: what is checked, in which order, and what changes. */
export class TreeWriter {
  readonly #store: ColumnStore;
  readonly #limits: StateLimits;
  readonly #scanner: PathScanner;
  readonly #speller: PathSpeller;
  readonly #recorder: ChangeRecorder | undefined;
  readonly #name: Name = { bytes: new Uint8Array(0), start: 0, end: 0, hash: 0 };
  /** A sequential path, spelled out. */
  readonly #spelled = new Uint8Array(PATH_BYTES_MAX + SUFFIX_DIGITS);
  /** The path of the node that is written. */
  readonly #path = { bytes: this.#spelled, start: 0, end: 0 };

  constructor(store: ColumnStore, limits: StateLimits, seed: number, recorder: ChangeRecorder | undefined) {
    this.#store = store;
    this.#limits = limits;
    this.#scanner = new PathScanner(seed, limits.pathBytesMax);
    this.#speller = new PathSpeller(store);
    this.#recorder = recorder;
  }

  /** Order of checks: flags and TTL, path, size, parent, suffix, NODE_EXISTS, NO_CHILDREN_FOR_EPHEMERALS, quota. */
  create(reader: CommandReader, moment: Moment, sessionEpoch: number, sessionCounter: number): TreeResult {
    const { bytes, dataLength, mode } = reader;
    const name = this.#name;
    if (mode !== MODE_PERSISTENT || reader.ifAbsent) {
      if (!hasAllowedFlags(reader, sessionCounter)) return this.refuse('BAD_ARGUMENTS', reader, moment);
    }
    if (!this.#scanner.scan(bytes, reader.pathStart, reader.pathEnd, reader.sequential)) {
      return this.#badPath(reader, moment);
    }
    if (dataLength > this.#limits.valueBytesMax) return this.refuse('VALUE_TOO_LARGE', reader, moment);
    const last = this.#scanner.count - 1;
    if (last < 0) {
      return reader.ifAbsent ? this.#found(this.#store.root, '/', moment) : this.refuse('NODE_EXISTS', reader, moment);
    }
    const parent = this.#walk(bytes, last);
    if (parent === NO_SLOT) return this.refuse('NO_NODE', reader, moment);
    this.#scanner.component(last, bytes, name);
    let pathStart = reader.pathStart;
    if (reader.sequential) {
      this.#spell(reader, this.#store.creates(parent));
      pathStart = 0;
    }
    const path = readUtf8(name.bytes, pathStart, name.end);
    const existing = this.#store.child(parent, name);
    if (existing !== NO_SLOT) {
      return reader.ifAbsent ? this.#found(existing, path, moment) : errorAt(moment, 'NODE_EXISTS', path);
    }
    const refusal = this.#refusalOfChild(parent, dataLength);
    if (refusal !== undefined) return errorAt(moment, refusal, path);
    const node = this.#store.insert(parent, name, bytes, reader.dataStart, dataLength, moment);
    if (mode !== MODE_PERSISTENT) this.#endow(node, reader, sessionEpoch, sessionCounter);
    this.#recorder?.created(node, this.#at(name.bytes, pathStart, name.end), moment);
    return { kind: 'created', zxid: zxidOf(moment), path, stat: this.#store.stat(node), created: true };
  }

  /** Why a node of this size may not be made below `parent`. */
  #refusalOfChild(parent: number, dataLength: number): ErrorCode | undefined {
    const store = this.#store;
    if (store.isEphemeral(parent)) return 'NO_CHILDREN_FOR_EPHEMERALS';
    return store.quotas.exceeds(parent, 1, Math.max(0, dataLength)) ? 'QUOTA_EXCEEDED' : undefined;
  }

  #endow(node: number, { mode, ttlMs }: CommandReader, sessionEpoch: number, sessionCounter: number): void {
    if (isEphemeralMode(mode)) this.#store.endow(node, MODE_EPHEMERAL, sessionEpoch, sessionCounter);
    else if (mode === MODE_CONTAINER) this.#store.endow(node, MODE_CONTAINER, 0, 0);
    else if (mode >= MODE_TTL) this.#store.endow(node, MODE_TTL, lowWord(ttlMs), highWord(ttlMs));
  }

  #found(node: number, path: string, moment: Moment): TreeResult {
    return { kind: 'created', zxid: zxidOf(moment), path, stat: this.#store.stat(node), created: false };
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

  set(reader: CommandReader, moment: Moment): TreeResult {
    const node = this.setNode(reader, moment);
    return typeof node === 'number' ? this.resultOfSet(node, moment) : node;
  }

  /** What `set` answers with for a node that it has just set. */
  resultOfSet(node: number, moment: Moment): TreeResult {
    return { kind: 'set', zxid: zxidOf(moment), stat: this.#store.stat(node) };
  }

  /** As `set`, and answers with the node: of its row a result can be made, by who wants one. */
  setNode(reader: CommandReader, moment: Moment): number | ErrorResult {
    const { bytes, dataStart, dataLength } = reader;
    if (!this.#scanner.scan(bytes, reader.pathStart, reader.pathEnd, false)) return this.#badPath(reader, moment);
    if (dataLength > this.#limits.valueBytesMax) return this.refuse('VALUE_TOO_LARGE', reader, moment);
    const node = this.#walk(bytes, this.#scanner.count);
    if (node === NO_SLOT) return this.refuse('NO_NODE', reader, moment);
    if (!this.#hasVersion(node, reader.expectedVersion)) return this.refuse('BAD_VERSION', reader, moment);
    const store = this.#store;
    if (store.quotas.count !== 0 && store.quotas.exceeds(node, 0, Math.max(0, dataLength) - store.dataLength(node))) {
      return this.refuse('QUOTA_EXCEEDED', reader, moment);
    }
    const recorder = this.#recorder;
    if (recorder === undefined) store.setData(node, bytes, dataStart, dataLength, moment);
    else {
      // It is copied twice: one view is enough.
      const isLong = dataLength > LOOP_COPY_BYTES_MAX;
      const value = isLong ? bytes.subarray(dataStart, dataStart + dataLength) : bytes;
      const start = isLong ? 0 : dataStart;
      const offset = recorder.beforeSet(node, this.#at(bytes, reader.pathStart, reader.pathEnd), dataLength, moment);
      store.setData(node, value, start, dataLength, moment);
      recorder.set(node, offset, value, start, dataLength);
    }
    return node;
  }

  /** The version is checked before emptiness. */
  delete(reader: CommandReader, moment: Moment): TreeResult {
    const node = this.#findForRemoval(reader, moment);
    if (typeof node !== 'number') return node;
    if (this.#store.childCount(node) !== 0) return this.refuse('NOT_EMPTY', reader, moment);
    this.#recorder?.beforeRemove(node, this.#at(reader.bytes, reader.pathStart, reader.pathEnd), moment);
    this.#store.remove(node, moment);
    return { kind: 'deleted', zxid: zxidOf(moment) };
  }

  /** Removes a node and all below it, the lowest first; or nothing, when there are more nodes than the limit, or bytes than `bytesMax`. */
  deleteRecursive(reader: CommandReader, moment: Moment, bytesMax: number): TreeResult {
    const top = this.#findForRemoval(reader, moment);
    if (typeof top !== 'number') return top;
    const nodes = this.#store.subtree(top, this.#limits.recursiveNodesMax);
    const isTooMuch = nodes === undefined || (bytesMax !== Infinity && this.#dataBytes(nodes) > bytesMax);
    if (isTooMuch) return this.refuse('TOO_MANY_NODES', reader, moment);
    for (let i = nodes.length - 1; i >= 0; i--) this.removeNode(nodes[i]!, moment);
    return { kind: 'deletedRecursive', zxid: zxidOf(moment), count: nodes.length };
  }

  #dataBytes(nodes: readonly number[]): number {
    return nodes.reduce((sum, node) => sum + this.#store.dataLength(node), 0);
  }

  #findForRemoval(reader: CommandReader, moment: Moment): number | ErrorResult {
    const { bytes } = reader;
    if (!this.#scanner.scan(bytes, reader.pathStart, reader.pathEnd, false)) return this.#badPath(reader, moment);
    if (this.#scanner.count === 0) return this.refuse('BAD_ARGUMENTS', reader, moment);
    const node = this.#walk(bytes, this.#scanner.count);
    if (node === NO_SLOT) return this.refuse('NO_NODE', reader, moment);
    return this.#hasVersion(node, reader.expectedVersion) ? node : this.refuse('BAD_VERSION', reader, moment);
  }

  /** Removes a node that has no children, whoever asked for it. */
  removeNode(node: number, moment: Moment): void {
    if (this.#recorder !== undefined) this.#recorder.beforeRemove(node, this.#speller.spell(node), moment);
    this.#store.remove(node, moment);
  }

  /** The node at a path given as bytes, or NO_SLOT; undefined when the path is not allowed. */
  find(bytes: Uint8Array, start: number, end: number): number | undefined {
    if (!this.#scanner.scan(bytes, start, end, false)) return undefined;
    return this.#walk(bytes, this.#scanner.count);
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

  #at(bytes: Uint8Array, start: number, end: number): { bytes: Uint8Array; start: number; end: number } {
    const path = this.#path as { bytes: Uint8Array; start: number; end: number };
    path.bytes = bytes;
    path.start = start;
    path.end = end;
    return path;
  }

  #badPath(reader: CommandReader, moment: Moment): ErrorResult {
    const isText = countCodePoints(reader.bytes, reader.pathStart, reader.pathEnd) >= 0;
    return isText ? this.refuse('BAD_ARGUMENTS', reader, moment) : errorAt(moment, 'MARSHALLING_ERROR');
  }

  /** An error that speaks of the command's path; one that is too long, or no text, is left out. */
  refuse(code: ErrorCode, reader: CommandReader, moment: Moment): ErrorResult {
    const { hasPath, bytes, pathStart, pathEnd } = reader;
    const isShown = hasPath && pathEnd - pathStart <= this.#limits.pathBytesMax;
    const isText = isShown && countCodePoints(bytes, pathStart, pathEnd) >= 0;
    return errorAt(moment, code, isText ? readUtf8(bytes, pathStart, pathEnd) : undefined);
  }
}

/** An ephemeral has a session, a TTL lies within its bounds, and a sequential node cannot be absent. */
function hasAllowedFlags({ mode, ttlMs, ifAbsent, sequential }: CommandReader, sessionCounter: number): boolean {
  if (ifAbsent && sequential) return false;
  if (isEphemeralMode(mode)) return sessionCounter !== 0;
  return mode < MODE_TTL || (ttlMs >= 1 && ttlMs <= TTL_MS_MAX);
}

export function errorAt(moment: Moment, code: ErrorCode, path?: string): ErrorResult {
  return { kind: 'error', zxid: zxidOf(moment), code, path };
}

export function zxidOf(moment: Moment): Zxid {
  return { epoch: moment.epoch, counter: moment.counter };
}
