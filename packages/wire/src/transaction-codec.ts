import type { ByteWriter } from './byte-writer.js';
import * as k from './command-reader.js';
import {
  CREATE_MODES,
  type Compare,
  type CompareOperator,
  type CreateCommand,
  type TransactionOperation,
} from './commands.js';
import * as c from './compare-reader.js';
import type { Zxid } from './stat.js';

/** @throws RangeError when it is no int32. */
export function checkedVersion(version: number): number {
  if ((version | 0) !== version) throw new RangeError('a version is an int32');
  return version;
}

/** @throws RangeError when its halves are no uint32. */
export function checkedZxid(zxid: Zxid): Zxid {
  if (zxid.epoch >>> 0 !== zxid.epoch || zxid.counter >>> 0 !== zxid.counter) {
    throw new RangeError('epoch and counter are uint32');
  }
  return zxid;
}

/** @throws RangeError when it is no whole number that a varint carries. */
export function checkedCount(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a whole number from 0 to 2^53 - 1');
  return value;
}

/** The mode of a create, and its TTL. */
export function writeMode({ mode, ttlMs, ifAbsent = false }: CreateCommand, writer: ByteWriter): void {
  const number = CREATE_MODES.indexOf(mode);
  if (number < 0) throw new RangeError('there is no such create mode');
  if (ttlMs !== undefined && number < k.MODE_TTL) throw new RangeError('only the modes with a TTL have one');
  writer.u8(number | (ifAbsent ? k.MODE_IF_ABSENT : 0));
  if (number >= k.MODE_TTL) writer.varint(checkedCount(ttlMs ?? 0));
}

const OPERATORS: Readonly<Record<CompareOperator, number>> = {
  '=': c.OPERATOR_EQUAL,
  '!=': c.OPERATOR_NOT_EQUAL,
  '<': c.OPERATOR_LESS,
  '>': c.OPERATOR_GREATER,
};

const TARGETS: Readonly<Record<Compare['target'], number>> = {
  version: c.TARGET_VERSION,
  cversion: c.TARGET_CVERSION,
  czxid: c.TARGET_CZXID,
  mzxid: c.TARGET_MZXID,
  value: c.TARGET_VALUE,
  exists: c.TARGET_EXISTS,
};

/** Appends a comparison: see CompareReader for the layout. */
export function writeCompare(compare: Compare, writer: ByteWriter): void {
  const operator = OPERATORS[compare.operator] as number | undefined;
  if (operator === undefined) throw new RangeError('there is no such operator');
  writer.u8(TARGETS[compare.target]);
  writer.u8(operator);
  writer.text(compare.path);
  switch (compare.target) {
    case 'version':
    case 'cversion':
      return writer.int32(checkedVersion(compare.operand));
    case 'czxid':
    case 'mzxid':
      return writer.zxid(checkedZxid(compare.operand));
    case 'value':
      return writer.data(compare.operand);
    case 'exists':
      return writer.u8(compare.operand ? 1 : 0);
  }
}

const OPERATION_KINDS: Readonly<Record<TransactionOperation['kind'], number>> = {
  create: k.KIND_CREATE,
  set: k.KIND_SET,
  delete: k.KIND_DELETE,
  deleteRecursive: k.KIND_DELETE_RECURSIVE,
  check: k.KIND_CHECK,
  checkAbsent: k.KIND_CHECK_ABSENT,
  get: k.KIND_GET,
  exists: k.KIND_EXISTS,
};

/** Appends an operation of a transaction: see CommandReader for the layout. */
export function writeOperation(operation: TransactionOperation, writer: ByteWriter): void {
  writer.u8(OPERATION_KINDS[operation.kind]);
  switch (operation.kind) {
    case 'create':
      writeMode(operation, writer);
      writer.text(operation.path);
      return writer.data(operation.data);
    case 'set':
      writer.int32(checkedVersion(operation.expectedVersion));
      writer.text(operation.path);
      return writer.data(operation.data);
    case 'delete':
    case 'deleteRecursive':
    case 'check':
      writer.int32(checkedVersion(operation.expectedVersion));
      return writer.text(operation.path);
    case 'checkAbsent':
    case 'get':
    case 'exists':
      return writer.text(operation.path);
  }
}
