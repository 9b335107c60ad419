import { ByteReader, ByteWriter } from './byte-writer.js';
import { ERROR_CODES, type ErrorCode } from './error-codes.js';
import type { ErrorResult, GuessedResult, Result } from './results.js';
import type { Stat, Zxid } from './stat.js';
import { countCodePoints, readUtf8, utf8Length, writeUtf8 } from './utf8.js';

/** Layout: 1 byte kind, the zxid (two uint32), then the fields in order; little-endian, texts with a uint32 length before them. */
const KIND_CREATED = 1;
const KIND_SET = 2;
const KIND_DELETED = 3;
const KIND_REGISTER_WRITTEN = 4;
const KIND_GUESSED = 5;
const KIND_ERROR = 6;

/** The bytes of one result. */
export function encodeResult(result: Result): Uint8Array {
  const writer = new ByteWriter();
  writeResult(result, writer);
  return writer.content();
}

/** Appends one result to a writer. */
export function writeResult(result: Result, writer: ByteWriter): void {
  switch (result.kind) {
    case 'created':
      begin(writer, KIND_CREATED, result.zxid);
      writeText(writer, result.path);
      return writeStat(writer, result.stat);
    case 'set':
      begin(writer, KIND_SET, result.zxid);
      return writeStat(writer, result.stat);
    case 'deleted':
      return begin(writer, KIND_DELETED, result.zxid);
    case 'registerWritten':
      begin(writer, KIND_REGISTER_WRITTEN, result.zxid);
      return writer.u32(result.version);
    case 'guessed':
      begin(writer, KIND_GUESSED, result.zxid);
      return writeGuess(writer, result);
    case 'error':
      begin(writer, KIND_ERROR, result.zxid);
      return writeError(writer, result);
  }
}

function begin(writer: ByteWriter, kind: number, zxid: Zxid): void {
  writer.u8(kind);
  writeZxid(writer, zxid);
}

function writeZxid(writer: ByteWriter, zxid: Zxid): void {
  writer.u32(zxid.epoch);
  writer.u32(zxid.counter);
}

function writeStat(writer: ByteWriter, stat: Stat): void {
  writeZxid(writer, stat.czxid);
  writeZxid(writer, stat.mzxid);
  writeZxid(writer, stat.pzxid);
  writer.u53(stat.ctimeMs);
  writer.u53(stat.mtimeMs);
  writer.u32(stat.version);
  writer.u32(stat.cversion);
  writer.u32(stat.aversion);
  writer.u53(stat.ephemeralOwner);
  writer.u32(stat.dataLength);
  writer.u32(stat.numChildren);
}

function writeGuess(writer: ByteWriter, result: GuessedResult): void {
  writer.u8(result.matched ? 1 : 0);
  writer.u32(result.version);
  writer.u32(result.leader);
}

function writeError(writer: ByteWriter, result: ErrorResult): void {
  writeText(writer, result.code);
  writer.u8(result.path === undefined ? 0 : 1);
  if (result.path !== undefined) writeText(writer, result.path);
}

function writeText(writer: ByteWriter, text: string): void {
  const length = utf8Length(text);
  writer.u32(length);
  writer.reserve(length);
  writer.length = writeUtf8(text, writer.bytes, writer.length);
}

/** Reads one result; undefined when it is malformed. */
export function decodeResult(bytes: Uint8Array, offset = 0, length = bytes.length - offset): Result | undefined {
  if (offset < 0 || length < 0 || offset + length > bytes.length) return undefined;
  const reader = new ByteReader(bytes, offset, offset + length);
  const kind = reader.u8();
  const zxid = readZxid(reader);
  const result = readBody(reader, kind, zxid);
  return reader.done ? result : undefined;
}

function readBody(reader: ByteReader, kind: number, zxid: Zxid): Result | undefined {
  switch (kind) {
    case KIND_CREATED:
      return { kind: 'created', zxid, path: readText(reader), stat: readStat(reader) };
    case KIND_SET:
      return { kind: 'set', zxid, stat: readStat(reader) };
    case KIND_DELETED:
      return { kind: 'deleted', zxid };
    case KIND_REGISTER_WRITTEN:
      return { kind: 'registerWritten', zxid, version: reader.u32() };
    case KIND_GUESSED:
      return { kind: 'guessed', zxid, matched: readFlag(reader), version: reader.u32(), leader: reader.u32() };
    case KIND_ERROR:
      return readError(reader, zxid);
    default:
      return undefined;
  }
}

function readError(reader: ByteReader, zxid: Zxid): ErrorResult | undefined {
  const code = readText(reader);
  const path = readFlag(reader) ? readText(reader) : undefined;
  return isErrorCode(code) ? { kind: 'error', zxid, code, path } : undefined;
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

function readZxid(reader: ByteReader): Zxid {
  return { epoch: reader.u32(), counter: reader.u32() };
}

function readStat(reader: ByteReader): Stat {
  const czxid = readZxid(reader);
  const mzxid = readZxid(reader);
  const pzxid = readZxid(reader);
  return {
    czxid,
    mzxid,
    ctimeMs: reader.u53(),
    mtimeMs: reader.u53(),
    version: reader.i32(),
    cversion: reader.i32(),
    aversion: reader.i32(),
    ephemeralOwner: reader.u53(),
    dataLength: reader.u32(),
    numChildren: reader.u32(),
    pzxid,
  };
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) reader.failed = true;
  return flag === 1;
}

function readText(reader: ByteReader): string {
  const length = reader.u32();
  const start = reader.skip(length);
  if (reader.failed) return '';
  if (countCodePoints(reader.bytes, start, start + length) < 0) {
    reader.failed = true;
    return '';
  }
  return readUtf8(reader.bytes, start, start + length);
}
