import {
  CommandReader,
  CompareReader,
  KIND_CHECK,
  KIND_CHECK_ABSENT,
  KIND_CREATE,
  KIND_DELETE,
  KIND_DELETE_RECURSIVE,
  KIND_EXISTS,
  KIND_GET,
  KIND_SET,
  OPERATOR_EQUAL,
  OPERATOR_LESS,
  OPERATOR_NOT_EQUAL,
  readUtf8,
  TARGET_CVERSION,
  TARGET_CZXID,
  TARGET_EXISTS,
  TARGET_MZXID,
  TARGET_VERSION,
  type ErrorResult,
  type OperationResult,
  type Result,
  type Zxid,
} from '@zkl/wire';
import type { ChangeHistory } from './change-history.js';
import type { ColumnStore } from './column-store.js';
import type { StateLimits } from './limits.js';
import { NO_SLOT } from './slot-index.js';
import { errorAt, zxidOf, type TreeWriter } from './tree-writer.js';
import { UndoLog } from './undo-log.js';
import type { Moment } from './znode-store.js';

/** What an operation is charged against `transactionBytesMax` beyond the data it answers with. */
const OPERATION_CHARGE_BYTES = 128;

/** The rules of transactions: compare, then do all of one list of operations, or nothing. */
export class TransactionApplier {
  readonly #store: ColumnStore;
  readonly #limits: StateLimits;
  readonly #writer: TreeWriter;
  readonly #history: ChangeHistory | undefined;
  readonly #compare = new CompareReader();
  readonly #operation = new CommandReader();
  /** Of the transaction under way. */
  #undo: UndoLog;
  #answeredBytes = 0;

  constructor(store: ColumnStore, limits: StateLimits, writer: TreeWriter, history: ChangeHistory | undefined) {
    this.#store = store;
    this.#limits = limits;
    this.#writer = writer;
    this.#history = history;
    this.#undo = new UndoLog(store);
  }

  apply(reader: CommandReader, moment: Moment): Result {
    const max = this.#limits.transactionOperationsMax;
    if (reader.listCount > max || reader.thenCount > max || reader.elseCount > max) {
      return errorAt(moment, 'BAD_ARGUMENTS');
    }
    const holds = this.#holdsAll(reader, moment);
    if (typeof holds !== 'boolean') return holds;
    const count = holds ? reader.thenCount : reader.elseCount;
    const start = holds ? reader.thenStart : reader.elseStart;
    const mark = this.#history?.mark();
    this.#undo = new UndoLog(this.#store);
    this.#answeredBytes = 0;
    this.#store.journal(this.#undo);
    const results = this.#executeAll(reader, start, count, moment);
    this.#store.journal(undefined);
    const committed = results.at(-1)?.kind !== 'error';
    if (!committed) {
      this.#undo.rollback();
      if (mark !== undefined) this.#history?.rollback(mark);
    }
    const shown = committed ? results : this.#failed(reader, start, count, results, moment);
    return { kind: 'transaction', zxid: zxidOf(moment), branch: holds ? 'then' : 'else', committed, results: shown };
  }

  /** All paths are checked, whichever comparison fails first. */
  #holdsAll(reader: CommandReader, moment: Moment): boolean | ErrorResult {
    const compare = this.#compare;
    const { bytes } = reader;
    let holds = true;
    for (let i = 0, at = reader.listStart; i < reader.listCount; i++) {
      at = compare.read(bytes, at, bytes.length);
      const node = this.#writer.find(bytes, compare.pathStart, compare.pathEnd);
      if (node === undefined) {
        const isShown = compare.pathEnd - compare.pathStart <= this.#limits.pathBytesMax;
        const path = isShown ? readUtf8(bytes, compare.pathStart, compare.pathEnd) : undefined;
        return errorAt(moment, 'BAD_ARGUMENTS', path);
      }
      holds = holds && this.#holds(node);
    }
    return holds;
  }

  /** Whether the comparison read last holds for a node, which may be NO_SLOT. */
  #holds(node: number): boolean {
    const { target, operator, number } = this.#compare;
    if (target === TARGET_EXISTS) return isIn(operator, (node === NO_SLOT ? 0 : 1) - number);
    return node !== NO_SLOT && isIn(operator, this.#difference(node));
  }

  /** Negative, 0 or positive, as a node's field is less than, equal to or greater than the operand. */
  #difference(node: number): number {
    const { target, number, epoch, counter, bytes, valueStart, valueLength } = this.#compare;
    const store = this.#store;
    if (target === TARGET_VERSION) return store.version(node) - number;
    const { cversion, czxid, mzxid } = store.stat(node);
    if (target === TARGET_CVERSION) return cversion - number;
    if (target === TARGET_CZXID) return differenceOf(czxid, epoch, counter);
    if (target === TARGET_MZXID) return differenceOf(mzxid, epoch, counter);
    return store.compareData(node, bytes, valueStart, valueLength);
  }

  /** The results up to the first error, which is the last of them. */
  #executeAll(reader: CommandReader, start: number, count: number, moment: Moment): OperationResult[] {
    const operation = this.#operation;
    const results: OperationResult[] = [];
    for (let i = 0, at = start; i < count; i++) {
      at = operation.readOperation(reader.bytes, at, reader.bytes.length);
      const result = this.#execute(operation, reader, moment);
      this.#answeredBytes += OPERATION_CHARGE_BYTES;
      const isTooMuch = this.#undo.chargedBytes > this.#limits.transactionBytesMax;
      results.push(isTooMuch ? this.#writer.refuse('TOO_MANY_NODES', operation, moment) : result);
      if (results.at(-1)?.kind === 'error') break;
    }
    return results;
  }

  #execute(operation: CommandReader, reader: CommandReader, moment: Moment): OperationResult {
    const writer = this.#writer;
    switch (operation.kind) {
      case KIND_CREATE:
        return writer.create(operation, moment, reader.sessionEpoch, reader.sessionCounter);
      case KIND_SET:
        return writer.set(operation, moment);
      case KIND_DELETE:
        return writer.delete(operation, moment);
      case KIND_DELETE_RECURSIVE:
        return writer.deleteRecursive(operation, moment, this.#limits.transactionBytesMax);
      default:
        return this.#look(operation, moment);
    }
  }

  /** Operations that change nothing. */
  #look(operation: CommandReader, moment: Moment): OperationResult {
    const store = this.#store;
    const zxid = zxidOf(moment);
    const node = this.#writer.find(operation.bytes, operation.pathStart, operation.pathEnd);
    if (node === undefined) return this.#writer.refuse('BAD_ARGUMENTS', operation, moment);
    const isThere = node !== NO_SLOT;
    if (operation.kind === KIND_EXISTS) return { kind: 'existed', zxid, stat: isThere ? store.stat(node) : undefined };
    if (operation.kind === KIND_CHECK_ABSENT) {
      return isThere ? this.#writer.refuse('NODE_EXISTS', operation, moment) : { kind: 'ok', zxid };
    }
    if (!isThere) return this.#writer.refuse('NO_NODE', operation, moment);
    if (operation.kind === KIND_CHECK) {
      const isVersion = operation.expectedVersion === -1 || operation.expectedVersion === store.version(node);
      return isVersion ? { kind: 'ok', zxid } : this.#writer.refuse('BAD_VERSION', operation, moment);
    }
    return this.#get(node, operation, moment);
  }

  #get(node: number, operation: CommandReader, moment: Moment): OperationResult {
    this.#answeredBytes += this.#store.dataLength(node);
    if (operation.kind !== KIND_GET || this.#answeredBytes > this.#limits.transactionBytesMax) {
      return this.#writer.refuse('MESSAGE_TOO_LARGE', operation, moment);
    }
    return { kind: 'got', zxid: zxidOf(moment), data: this.#store.data(node), stat: this.#store.stat(node) };
  }

  /** OK for the operations before the one that failed, its error, RUNTIME_INCONSISTENCY after it. */
  #failed(
    reader: CommandReader,
    start: number,
    count: number,
    results: readonly OperationResult[],
    moment: Moment,
  ): OperationResult[] {
    const operation = this.#operation;
    const shown: OperationResult[] = [];
    for (let i = 0, at = start; i < count; i++) {
      at = operation.readOperation(reader.bytes, at, reader.bytes.length);
      if (i < results.length - 1) shown.push({ kind: 'ok', zxid: zxidOf(moment) });
      else if (i === results.length - 1) shown.push(results[i]!);
      else shown.push(this.#writer.refuse('RUNTIME_INCONSISTENCY', operation, moment));
    }
    return shown;
  }
}

function isIn(operator: number, difference: number): boolean {
  if (operator === OPERATOR_EQUAL) return difference === 0;
  if (operator === OPERATOR_NOT_EQUAL) return difference !== 0;
  return operator === OPERATOR_LESS ? difference < 0 : difference > 0;
}

function differenceOf(zxid: Zxid, epoch: number, counter: number): number {
  return zxid.epoch - epoch || zxid.counter - counter;
}
