import {
  KIND_CREATE,
  KIND_DELETE,
  KIND_DELETE_RECURSIVE,
  KIND_REAP,
  KIND_REGISTER_GUESS,
  KIND_REGISTER_WRITE,
  KIND_SESSION_CLOSE,
  KIND_SESSION_OPEN,
  KIND_SESSIONS_EXPIRE,
  KIND_SET,
  KIND_SET_QUOTA,
  KIND_TRANSACTION,
  type CommandReader,
  type ErrorCode,
  type ErrorResult,
  type Quota,
  type Result,
  SET_RESULT_WORDS,
} from '@zkl/wire';
import type { ChangeHistory } from './change-history.js';
import { ChangeRecorder } from './change-recorder.js';
import type { ColumnStore } from './column-store.js';
import { COUNT_NODES_MAX, type StateLimits } from './limits.js';
import type { Register } from './register.js';
import { SessionApplier } from './session-applier.js';
import { NO_SLOT } from './slot-index.js';
import { TransactionApplier } from './transaction-applier.js';
import { errorAt, TreeWriter, zxidOf } from './tree-writer.js';
import type { Moment } from './znode-store.js';

/** What came of a write: its result; or the node that it has set, of which `resultOfSet` and `wordsOfSet` make one for whoever wants it. */
export type Applied = Result | number;

/** Gives each kind of write to the rules that it goes by. */
export class WriteApplier {
  readonly #store: ColumnStore;
  readonly #register: Register;
  readonly #limits: StateLimits;
  readonly #recorder: ChangeRecorder | undefined;
  readonly #tree: TreeWriter;
  readonly #sessions: SessionApplier;
  readonly #transactions: TransactionApplier;
  readonly #words = new Int32Array(SET_RESULT_WORDS);

  constructor(
    store: ColumnStore,
    register: Register,
    limits: StateLimits,
    seed: number,
    history: ChangeHistory | undefined,
  ) {
    this.#store = store;
    this.#register = register;
    this.#limits = limits;
    this.#recorder = history === undefined ? undefined : new ChangeRecorder(history, store);
    this.#tree = new TreeWriter(store, limits, seed, this.#recorder);
    this.#sessions = new SessionApplier(store, limits, this.#tree);
    this.#transactions = new TransactionApplier(store, limits, this.#tree, history);
  }

  /** Applies the write that `reader` holds. One in the name of a session that is not open is refused before all else. */
  apply(reader: CommandReader, moment: Moment, leader: number): Applied {
    if (reader.sessionCounter !== 0 && !this.#isOpen(reader)) return this.refuse('SESSION_EXPIRED', reader, moment);
    switch (reader.kind) {
      case KIND_CREATE:
        return this.#tree.create(reader, moment, reader.sessionEpoch, reader.sessionCounter);
      case KIND_SET:
        return this.#tree.setNode(reader, moment);
      case KIND_DELETE:
        return this.#tree.delete(reader, moment);
      case KIND_REGISTER_WRITE:
        return this.#writeRegister(reader, moment);
      case KIND_REGISTER_GUESS:
        return this.#guessRegister(reader, moment, leader);
      default:
        return this.#applyRare(reader, moment);
    }
  }

  /** The result of a set, while nothing else was applied. */
  resultOfSet(node: number, moment: Moment): Result {
    return this.#tree.resultOfSet(node, moment);
  }

  /** The same as the words that `packSetResult` takes. They hold until the next call. */
  wordsOfSet(node: number, moment: Moment): Int32Array {
    const words = this.#words;
    words[0] = moment.epoch;
    words[1] = moment.counter;
    this.#store.statWords(node, words, 2);
    return words;
  }

  #applyRare(reader: CommandReader, moment: Moment): Result {
    switch (reader.kind) {
      case KIND_DELETE_RECURSIVE:
        return this.#tree.deleteRecursive(reader, moment, Infinity);
      case KIND_TRANSACTION:
        return this.#transactions.apply(reader, moment);
      case KIND_SET_QUOTA:
        return this.#setQuota(reader, moment);
      case KIND_REAP:
        return this.#sessions.reap(reader, moment);
      case KIND_SESSION_OPEN:
        return this.#sessions.open(reader, moment);
      case KIND_SESSION_CLOSE:
        return this.#sessions.close(reader, moment);
      case KIND_SESSIONS_EXPIRE:
        return this.#sessions.expire(reader, moment);
      default:
        return errorAt(moment, 'MARSHALLING_ERROR');
    }
  }

  #isOpen(reader: CommandReader): boolean {
    return this.#store.extras.sessions.find(reader.sessionEpoch, reader.sessionCounter) !== NO_SLOT;
  }

  #writeRegister(reader: CommandReader, moment: Moment): Result {
    const { bytes, dataStart, dataLength } = reader;
    if (dataLength > this.#limits.valueBytesMax) return this.refuse('VALUE_TOO_LARGE', reader, moment);
    const version = this.#register.write(bytes, dataStart, dataLength, moment, this.#recorder);
    if (typeof version !== 'number') return this.refuse(version, reader, moment);
    return { kind: 'registerWritten', zxid: zxidOf(moment), version };
  }

  #guessRegister(reader: CommandReader, moment: Moment, leader: number): Result {
    const matched = this.#register.guess(reader.bytes, reader.dataStart, reader.dataLength);
    return { kind: 'guessed', zxid: zxidOf(moment), matched, version: this.#register.version(), leader };
  }

  /** A new quota counts what there is below the node: the cost of this write. */
  #setQuota(reader: CommandReader, moment: Moment): Result {
    const { quotas } = this.#store;
    const node = this.#tree.find(reader.bytes, reader.pathStart, reader.pathEnd);
    if (node === undefined) return this.refuse('BAD_ARGUMENTS', reader, moment);
    if (node === NO_SLOT) return this.refuse('NO_NODE', reader, moment);
    if (reader.quotaBits < 0) this.#store.setQuota(node, undefined);
    else {
      const isNew = quotas.get(node) === undefined;
      const nodes = isNew ? this.#store.subtree(node, COUNT_NODES_MAX) : [];
      const isTooMuch = nodes === undefined || (isNew && quotas.count >= this.#limits.quotasMax);
      if (isTooMuch) return this.refuse('TOO_MANY_NODES', reader, moment);
      this.#store.setQuota(node, quotaOf(reader));
      const bytes = nodes.reduce((sum, one) => sum + this.#store.dataLength(one), 0);
      if (isNew) quotas.fill(node, nodes.length, bytes);
    }
    return { kind: 'quotaSet', zxid: zxidOf(moment) };
  }

  /** An error that speaks of the command's path; one that is too long, or no text, is left out. */
  refuse(code: ErrorCode, reader: CommandReader, moment: Moment): ErrorResult {
    return this.#tree.refuse(code, reader, moment);
  }
}

function quotaOf(reader: CommandReader): Quota {
  return {
    countSoft: reader.quotaBound(0),
    countHard: reader.quotaBound(1),
    bytesSoft: reader.quotaBound(2),
    bytesHard: reader.quotaBound(3),
  };
}
