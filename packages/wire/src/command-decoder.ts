import * as k from './command-reader.js';
import { CommandReader } from './command-reader.js';
import {
  CREATE_MODES,
  type Command,
  type Compare,
  type CompareOperator,
  type CreateCommand,
  type NodeRef,
  type Quota,
  type TransactionOperation,
  type WriteId,
} from './commands.js';
import * as c from './compare-reader.js';
import { CompareReader } from './compare-reader.js';
import { Cursor } from './cursor.js';
import { SECRET_HASH_BYTES } from './limits.js';
import type { SessionId, Zxid } from './stat.js';
import { countCodePoints, readUtf8 } from './utf8.js';

/** A command with what stood beside it, as read from the log. */
export interface DecodedCommand {
  readonly command: Command;
  readonly writeId: WriteId | undefined;
  readonly session: SessionId | undefined;
  readonly ordered: boolean;
}

/** Reads one write; undefined when it is malformed. Data are views of `bytes`. */
export function decodeCommand(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): DecodedCommand | undefined {
  const reader = new CommandReader();
  if (offset < 0 || length < 0 || offset + length > bytes.length) return undefined;
  if (!reader.read(bytes, offset, offset + length)) return undefined;
  if (reader.hasPath && countCodePoints(bytes, reader.pathStart, reader.pathEnd) < 0) return undefined;
  const { sessionEpoch: epoch, sessionCounter: counter, ordered } = reader;
  const session = reader.hasSession ? { epoch, counter } : undefined;
  return {
    command: commandOf(reader, offset + length),
    writeId: reader.hasWriteId ? writeIdOf(reader) : undefined,
    session,
    ordered,
  };
}

function writeIdOf(reader: CommandReader): WriteId {
  return {
    clientId: readUtf8(reader.bytes, reader.clientStart, reader.clientEnd),
    requestId: reader.requestId,
    answeredThrough: reader.answeredThrough,
  };
}

function pathOf(reader: CommandReader | CompareReader): string {
  return readUtf8(reader.bytes, reader.pathStart, reader.pathEnd);
}

function dataOf({ bytes, dataStart, dataLength }: CommandReader): Uint8Array | null {
  return dataLength < 0 ? null : bytes.subarray(dataStart, dataStart + dataLength);
}

function commandOf(reader: CommandReader, end: number): Command {
  const { bytes, expectedVersion } = reader;
  switch (reader.kind) {
    case k.KIND_CREATE:
      return createOf(reader);
    case k.KIND_SET:
      return { kind: 'set', path: pathOf(reader), data: dataOf(reader), expectedVersion };
    case k.KIND_DELETE:
      return { kind: 'delete', path: pathOf(reader), expectedVersion };
    case k.KIND_DELETE_RECURSIVE:
      return { kind: 'deleteRecursive', path: pathOf(reader), expectedVersion };
    case k.KIND_TRANSACTION:
      return transactionOf(reader, end);
    case k.KIND_SET_QUOTA:
      return { kind: 'setQuota', path: pathOf(reader), quota: quotaOf(reader) };
    case k.KIND_REAP:
      return { kind: 'reap', nodes: listOf(reader, end, readNodeRef) };
    case k.KIND_SESSIONS_EXPIRE:
      return { kind: 'sessionsExpire', sessions: listOf(reader, end, readZxid) };
    case k.KIND_SESSION_OPEN: {
      const secretHash = bytes.subarray(reader.hashStart, reader.hashStart + SECRET_HASH_BYTES);
      return { kind: 'sessionOpen', timeoutMs: reader.timeoutMs, secretHash };
    }
    case k.KIND_SESSION_CLOSE:
      return { kind: 'sessionClose' };
    default: {
      const value = dataOf(reader) ?? bytes.subarray(0, 0);
      return { kind: reader.kind === k.KIND_REGISTER_WRITE ? 'registerWrite' : 'registerGuess', value };
    }
  }
}

function createOf(reader: CommandReader): CreateCommand {
  const command: CreateCommand = {
    kind: 'create',
    path: pathOf(reader),
    data: dataOf(reader),
    mode: CREATE_MODES[reader.mode]!,
  };
  const withTtl = reader.mode >= k.MODE_TTL ? { ...command, ttlMs: reader.ttlMs } : command;
  return reader.ifAbsent ? { ...withTtl, ifAbsent: true } : withTtl;
}

function quotaOf(reader: CommandReader): Quota | null {
  if (reader.quotaBits < 0) return null;
  return {
    countSoft: reader.quotaBound(0),
    countHard: reader.quotaBound(1),
    bytesSoft: reader.quotaBound(2),
    bytesHard: reader.quotaBound(3),
  };
}

function listOf<T>(reader: CommandReader, end: number, readOne: (cursor: Cursor) => T): T[] {
  const cursor = new Cursor();
  cursor.reset(reader.bytes, reader.listStart, end);
  return Array.from({ length: reader.listCount }, () => readOne(cursor));
}

function readNodeRef(cursor: Cursor): NodeRef {
  const start = cursor.skip(cursor.varint());
  return { path: readUtf8(cursor.bytes, start, cursor.at), czxid: readZxid(cursor) };
}

function readZxid(cursor: Cursor): Zxid {
  return { epoch: cursor.uint32(), counter: cursor.uint32() };
}

function transactionOf(reader: CommandReader, end: number): Command {
  const { bytes, listCount, listStart, thenCount, thenStart, elseCount, elseStart } = reader;
  const compareReader = new CompareReader();
  let at = listStart;
  const compares = Array.from({ length: listCount }, () => {
    at = compareReader.read(bytes, at, end);
    return compareOf(compareReader);
  });
  return {
    kind: 'transaction',
    compares,
    then: operationsOf(bytes, thenCount, thenStart, end),
    else: operationsOf(bytes, elseCount, elseStart, end),
  };
}

const OPERATORS: readonly CompareOperator[] = ['=', '!=', '<', '>'];

function compareOf(reader: CompareReader): Compare {
  const head = { path: pathOf(reader), operator: OPERATORS[reader.operator - c.OPERATOR_EQUAL]! };
  const { bytes, number, epoch, counter, valueStart, valueLength } = reader;
  switch (reader.target) {
    case c.TARGET_VERSION:
      return { ...head, target: 'version', operand: number };
    case c.TARGET_CVERSION:
      return { ...head, target: 'cversion', operand: number };
    case c.TARGET_CZXID:
      return { ...head, target: 'czxid', operand: { epoch, counter } };
    case c.TARGET_MZXID:
      return { ...head, target: 'mzxid', operand: { epoch, counter } };
    case c.TARGET_VALUE: {
      const operand = valueLength < 0 ? null : bytes.subarray(valueStart, valueStart + valueLength);
      return { ...head, target: 'value', operand };
    }
    default:
      return { ...head, target: 'exists', operand: number === 1 };
  }
}

function operationsOf(bytes: Uint8Array, count: number, start: number, end: number): TransactionOperation[] {
  const reader = new CommandReader();
  let at = start;
  return Array.from({ length: count }, () => {
    at = reader.readOperation(bytes, at, end);
    return operationOf(reader);
  });
}

function operationOf(reader: CommandReader): TransactionOperation {
  const { expectedVersion } = reader;
  switch (reader.kind) {
    case k.KIND_CREATE:
      return createOf(reader);
    case k.KIND_SET:
      return { kind: 'set', path: pathOf(reader), data: dataOf(reader), expectedVersion };
    case k.KIND_DELETE:
      return { kind: 'delete', path: pathOf(reader), expectedVersion };
    case k.KIND_DELETE_RECURSIVE:
      return { kind: 'deleteRecursive', path: pathOf(reader), expectedVersion };
    case k.KIND_CHECK:
      return { kind: 'check', path: pathOf(reader), expectedVersion };
    case k.KIND_CHECK_ABSENT:
      return { kind: 'checkAbsent', path: pathOf(reader) };
    case k.KIND_GET:
      return { kind: 'get', path: pathOf(reader) };
    default:
      return { kind: 'exists', path: pathOf(reader) };
  }
}
