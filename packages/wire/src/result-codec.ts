import { ByteReader, ByteWriter } from './byte-writer.js';
import { ERROR_CODES, type ErrorCode } from './error-codes.js';
import type { ErrorResult, OperationResult, Result, TransactionResult } from './results.js';
import { SET_RESULT_KIND } from './set-result.js';
import {
  readCount,
  readData,
  readFlag,
  readStat,
  readText,
  readZxid,
  writeData,
  writeStat,
  writeText,
  writeZxid,
} from './stat-codec.js';
import type { Zxid } from './stat.js';

/**
 * Layout: 1 byte kind, the zxid (two uint32), then the fields in order; little-endian, texts with a uint32 length before them. The results
 * in a transaction's are without zxid: it is the transaction's.
 */
const KIND_CREATED = 1;
const KIND_SET = SET_RESULT_KIND;
const KIND_DELETED = 3;
const KIND_REGISTER_WRITTEN = 4;
const KIND_GUESSED = 5;
const KIND_ERROR = 6;
const KIND_DELETED_RECURSIVE = 7;
const KIND_TRANSACTION = 8;
const KIND_QUOTA_SET = 9;
const KIND_REAPED = 10;
const KIND_SESSION_OPENED = 11;
const KIND_SESSION_CLOSED = 12;
const KIND_SESSIONS_EXPIRED = 13;
/** In a transaction only. */
const KIND_GOT = 14;
const KIND_EXISTED = 15;
const KIND_OK = 16;

/** Replies that are no results have kinds from here on. */
export const RESULT_KINDS_END = 64;

const KINDS: Readonly<Record<Result['kind'] | OperationResult['kind'], number>> = {
  created: KIND_CREATED,
  set: KIND_SET,
  deleted: KIND_DELETED,
  deletedRecursive: KIND_DELETED_RECURSIVE,
  transaction: KIND_TRANSACTION,
  quotaSet: KIND_QUOTA_SET,
  reaped: KIND_REAPED,
  registerWritten: KIND_REGISTER_WRITTEN,
  guessed: KIND_GUESSED,
  sessionOpened: KIND_SESSION_OPENED,
  sessionClosed: KIND_SESSION_CLOSED,
  sessionsExpired: KIND_SESSIONS_EXPIRED,
  error: KIND_ERROR,
  got: KIND_GOT,
  existed: KIND_EXISTED,
  ok: KIND_OK,
};

/** The bytes of one result. */
export function encodeResult(result: Result): Uint8Array {
  const writer = new ByteWriter();
  writeResult(result, writer);
  return writer.content();
}

/** Appends one result to a writer. */
export function writeResult(result: Result, writer: ByteWriter): void {
  writer.u8(KINDS[result.kind]);
  writeZxid(writer, result.zxid);
  writeFields(result, writer);
}

function writeFields(result: Result | OperationResult, writer: ByteWriter): void {
  switch (result.kind) {
    case 'created':
      writeText(writer, result.path);
      writeStat(writer, result.stat);
      return writer.u8(result.created ? 1 : 0);
    case 'set':
      return writeStat(writer, result.stat);
    case 'deletedRecursive':
    case 'reaped':
    case 'sessionsExpired':
      return writer.u32(result.count);
    case 'got':
      writeStat(writer, result.stat);
      return writeData(writer, result.data);
    case 'existed':
      writer.u8(result.stat === undefined ? 0 : 1);
      if (result.stat !== undefined) writeStat(writer, result.stat);
      return;
    case 'transaction':
      return writeTransaction(result, writer);
    case 'registerWritten':
      return writer.u32(result.version);
    case 'guessed':
      writer.u8(result.matched ? 1 : 0);
      writer.u32(result.version);
      return writer.u32(result.leader);
    case 'sessionOpened':
      return writer.u53(result.timeoutMs);
    case 'sessionClosed':
      return writer.u32(result.deleted);
    case 'error':
      writeText(writer, result.code);
      writer.u8(result.path === undefined ? 0 : 1);
      if (result.path !== undefined) writeText(writer, result.path);
      return;
    case 'deleted':
    case 'quotaSet':
    case 'ok':
      return;
  }
}

function writeTransaction(result: TransactionResult, writer: ByteWriter): void {
  writer.u8(result.branch === 'then' ? 1 : 0);
  writer.u8(result.committed ? 1 : 0);
  writer.u32(result.results.length);
  for (const one of result.results) {
    writer.u8(KINDS[one.kind]);
    writeFields(one, writer);
  }
}

/** Reads one result; undefined when it is malformed. Data are views of `bytes`. */
export function decodeResult(bytes: Uint8Array, offset = 0, length = bytes.length - offset): Result | undefined {
  if (offset < 0 || length < 0 || offset + length > bytes.length) return undefined;
  const reader = new ByteReader(bytes, offset, offset + length);
  const kind = reader.u8();
  const zxid = readZxid(reader);
  const result = readFields(reader, kind, zxid);
  return reader.done ? result : undefined;
}

function readFields(reader: ByteReader, kind: number, zxid: Zxid): Result | undefined {
  switch (kind) {
    case KIND_TRANSACTION:
      return readTransaction(reader, zxid);
    case KIND_QUOTA_SET:
      return { kind: 'quotaSet', zxid };
    case KIND_REAPED:
      return { kind: 'reaped', zxid, count: reader.u32() };
    case KIND_REGISTER_WRITTEN:
      return { kind: 'registerWritten', zxid, version: reader.u32() };
    case KIND_GUESSED:
      return { kind: 'guessed', zxid, matched: readFlag(reader), version: reader.u32(), leader: reader.u32() };
    case KIND_SESSION_OPENED:
      return { kind: 'sessionOpened', zxid, session: zxid, timeoutMs: reader.u53() };
    case KIND_SESSION_CLOSED:
      return { kind: 'sessionClosed', zxid, deleted: reader.u32() };
    case KIND_SESSIONS_EXPIRED:
      return { kind: 'sessionsExpired', zxid, count: reader.u32() };
    default:
      return readShared(reader, kind, zxid);
  }
}

/** Results that stand alone and in a transaction. */
function readShared(reader: ByteReader, kind: number, zxid: Zxid): Extract<OperationResult, Result> | undefined {
  switch (kind) {
    case KIND_CREATED:
      return { kind: 'created', zxid, path: readText(reader), stat: readStat(reader), created: readFlag(reader) };
    case KIND_SET:
      return { kind: 'set', zxid, stat: readStat(reader) };
    case KIND_DELETED:
      return { kind: 'deleted', zxid };
    case KIND_DELETED_RECURSIVE:
      return { kind: 'deletedRecursive', zxid, count: reader.u32() };
    case KIND_ERROR:
      return readError(reader, zxid);
    default:
      return undefined;
  }
}

function readTransaction(reader: ByteReader, zxid: Zxid): TransactionResult | undefined {
  const branch = readFlag(reader) ? 'then' : 'else';
  const committed = readFlag(reader);
  const count = readCount(reader, 1);
  const results: OperationResult[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const result = readOperationResult(reader, zxid);
    if (result === undefined) return undefined;
    results.push(result);
  }
  return { kind: 'transaction', zxid, branch, committed, results };
}

function readOperationResult(reader: ByteReader, zxid: Zxid): OperationResult | undefined {
  const kind = reader.u8();
  switch (kind) {
    case KIND_GOT: {
      const stat = readStat(reader);
      return { kind: 'got', zxid, data: readData(reader), stat };
    }
    case KIND_EXISTED:
      return { kind: 'existed', zxid, stat: readFlag(reader) ? readStat(reader) : undefined };
    case KIND_OK:
      return { kind: 'ok', zxid };
    default:
      return readShared(reader, kind, zxid);
  }
}

function readError(reader: ByteReader, zxid: Zxid): ErrorResult | undefined {
  const code = readText(reader);
  const path = readFlag(reader) ? readText(reader) : undefined;
  return isErrorCode(code) ? { kind: 'error', zxid, code, path } : undefined;
}

/** Whether a text is the name of an error code. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
