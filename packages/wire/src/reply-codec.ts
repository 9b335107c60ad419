import { ByteReader, type ByteWriter } from './byte-writer.js';
import { Cursor } from './cursor.js';
import type { ChildAnswer } from './operations.js';
import type {
  ChildrenReply,
  MultiReply,
  QuotaReply,
  RefusedReply,
  RegisterReply,
  Reply,
  SingleReply,
} from './replies.js';
import { decodeResult, isErrorCode, RESULT_KINDS_END, writeResult } from './result-codec.js';
import type { Result } from './results.js';
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
 * The layout of the replies of a session stream (`AttachResponse.replies`), version 1: for each a varint length and that many bytes.
 * A reply is a result (see result-codec), or 1 byte kind, the zxid (two uint32), then the fields in order; little-endian. The answers in
 * a multi-read's are without zxid: it is the multi-read's.
 */
const KIND_NODE = 64;
const KIND_EXISTS = 65;
const KIND_CHILDREN = 66;
const KIND_COUNT = 67;
const KIND_QUOTA = 68;
const KIND_REGISTER = 69;
const KIND_MULTI = 70;
const KIND_REFUSED = 71;
const KIND_WATCHING = 72;
const KIND_DONE = 73;

const CHILD_BYTES_MIN = 5;
const CHILD_HAS_STAT = 1;
const CHILD_HAS_DATA = 2;
const QUOTA_FIELDS = ['countSoft', 'countHard', 'bytesSoft', 'bytesHard'] as const;

type Answer = Exclude<Reply, Result>;

const KINDS: Readonly<Record<Answer['kind'], number>> = {
  node: KIND_NODE,
  exists: KIND_EXISTS,
  children: KIND_CHILDREN,
  count: KIND_COUNT,
  quota: KIND_QUOTA,
  register: KIND_REGISTER,
  multi: KIND_MULTI,
  refused: KIND_REFUSED,
  watching: KIND_WATCHING,
  done: KIND_DONE,
};

function isAnswer(reply: Reply): reply is Answer {
  return Object.hasOwn(KINDS, reply.kind);
}

/** Appends one reply to the replies of a session stream. */
export function appendReply(reply: Reply, writer: ByteWriter): void {
  const start = writer.beginPart();
  if (isAnswer(reply)) {
    writer.u8(KINDS[reply.kind]);
    writeZxid(writer, reply.zxid);
    writeFields(reply, writer);
  } else writeResult(reply, writer);
  writer.endPart(start);
}

/** Appends a result that is encoded already, as a forwarded one comes. */
export function appendEncodedResult(result: Uint8Array, writer: ByteWriter): void {
  writer.varint(result.length);
  writer.raw(result);
}

function writeFields(reply: Answer, writer: ByteWriter): void {
  switch (reply.kind) {
    case 'node':
      writeStat(writer, reply.stat);
      return writeData(writer, reply.data);
    case 'exists':
      writer.u8(reply.stat === undefined ? 0 : 1);
      if (reply.stat !== undefined) writeStat(writer, reply.stat);
      return;
    case 'children':
      return writeChildren(reply, writer);
    case 'count':
      return writer.u53(reply.count);
    case 'quota':
      return writeQuota(reply, writer);
    case 'register':
      return writeRegister(reply, writer);
    case 'multi':
      writer.u32(reply.answers.length);
      for (const answer of reply.answers) {
        writer.u8(KINDS[answer.kind]);
        writeFields(answer, writer);
      }
      return;
    case 'refused':
      writeText(writer, reply.code);
      writer.u8(reply.outcome === 'unknown' ? 1 : 0);
      writer.u8(reply.retryable ? 1 : 0);
      writer.u32(reply.leaderId);
      writer.u8(reply.path === undefined ? 0 : 1);
      if (reply.path !== undefined) writeText(writer, reply.path);
      return;
    case 'watching':
    case 'done':
      return;
  }
}

function writeChildren(reply: ChildrenReply, writer: ByteWriter): void {
  writeStat(writer, reply.stat);
  writer.u8(reply.more ? 1 : 0);
  writer.u32(reply.children.length);
  for (const { name, stat, data } of reply.children) {
    writer.u8((stat === undefined ? 0 : CHILD_HAS_STAT) | (data === undefined ? 0 : CHILD_HAS_DATA));
    writeText(writer, name);
    if (stat !== undefined) writeStat(writer, stat);
    if (data !== undefined) writeData(writer, data);
  }
}

function writeQuota(reply: QuotaReply, writer: ByteWriter): void {
  const { quota } = reply;
  writer.u8(quota === undefined ? 0 : 1);
  writer.u53(reply.count);
  writer.u53(reply.bytes);
  if (quota === undefined) return;
  for (const field of QUOTA_FIELDS) {
    const bound = quota[field];
    writer.u8(bound === undefined ? 0 : 1);
    if (bound !== undefined) writer.u53(bound);
  }
}

function writeRegister(reply: RegisterReply, writer: ByteWriter): void {
  writeData(writer, reply.value ?? null);
  writer.u32(reply.version);
  writeZxid(writer, reply.mzxid);
  writer.u53(reply.guesses);
  writer.u53(reply.hits);
}

/**
 * Reads the replies of one message of a session stream, in order; undefined when any of them is malformed. Data are views of
 * `bytes`.
 */
export function decodeReplies(bytes: Uint8Array): Reply[] | undefined {
  const cursor = new Cursor();
  cursor.reset(bytes, 0, bytes.length);
  const replies: Reply[] = [];
  while (cursor.at < cursor.end) {
    const length = cursor.varint();
    const start = cursor.skip(length);
    const reply = cursor.failed ? undefined : decodeReply(bytes, start, length);
    if (reply === undefined) return undefined;
    replies.push(reply);
  }
  return replies;
}

/** Reads one reply, without its length; undefined when it is malformed. Data are views of `bytes`. */
export function decodeReply(bytes: Uint8Array, offset: number, length: number): Reply | undefined {
  if (offset < 0 || length < 1 || offset + length > bytes.length) return undefined;
  if (bytes[offset]! < RESULT_KINDS_END) return decodeResult(bytes, offset, length);
  const reader = new ByteReader(bytes, offset, offset + length);
  const kind = reader.u8();
  const zxid = readZxid(reader);
  const reply = readAnswer(reader, kind, zxid);
  return reader.done ? reply : undefined;
}

function readAnswer(reader: ByteReader, kind: number, zxid: Zxid): Answer | undefined {
  switch (kind) {
    case KIND_REGISTER:
      return readRegister(reader, zxid);
    case KIND_MULTI:
      return readMulti(reader, zxid);
    case KIND_WATCHING:
      return { kind: 'watching', zxid };
    case KIND_DONE:
      return { kind: 'done', zxid };
    default:
      return readSingle(reader, kind, zxid);
  }
}

function readSingle(reader: ByteReader, kind: number, zxid: Zxid): SingleReply | undefined {
  switch (kind) {
    case KIND_NODE: {
      const stat = readStat(reader);
      return { kind: 'node', zxid, data: readData(reader), stat };
    }
    case KIND_EXISTS:
      return { kind: 'exists', zxid, stat: readFlag(reader) ? readStat(reader) : undefined };
    case KIND_CHILDREN:
      return readChildren(reader, zxid);
    case KIND_COUNT:
      return { kind: 'count', zxid, count: reader.u53() };
    case KIND_QUOTA:
      return readQuota(reader, zxid);
    case KIND_REFUSED:
      return readRefused(reader, zxid);
    default:
      return undefined;
  }
}

function readMulti(reader: ByteReader, zxid: Zxid): MultiReply | undefined {
  const count = readCount(reader, 1);
  const answers: SingleReply[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const answer = readSingle(reader, reader.u8(), zxid);
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return { kind: 'multi', zxid, answers };
}

function readChildren(reader: ByteReader, zxid: Zxid): ChildrenReply {
  const stat = readStat(reader);
  const more = readFlag(reader);
  const count = readCount(reader, CHILD_BYTES_MIN);
  const children: ChildAnswer[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const flags = reader.u8();
    if (flags > (CHILD_HAS_STAT | CHILD_HAS_DATA)) reader.failed = true;
    children.push({
      name: readText(reader),
      stat: (flags & CHILD_HAS_STAT) === 0 ? undefined : readStat(reader),
      data: (flags & CHILD_HAS_DATA) === 0 ? undefined : readData(reader),
    });
  }
  return { kind: 'children', zxid, children, more, stat };
}

function readQuota(reader: ByteReader, zxid: Zxid): QuotaReply {
  const hasQuota = readFlag(reader);
  const count = reader.u53();
  const bytes = reader.u53();
  if (!hasQuota) return { kind: 'quota', zxid, quota: undefined, count, bytes };
  const [countSoft, countHard, bytesSoft, bytesHard] = QUOTA_FIELDS.map(() =>
    readFlag(reader) ? reader.u53() : undefined,
  );
  return { kind: 'quota', zxid, quota: { countSoft, countHard, bytesSoft, bytesHard }, count, bytes };
}

function readRegister(reader: ByteReader, zxid: Zxid): RegisterReply {
  const value = readData(reader) ?? undefined;
  const version = reader.u32();
  const mzxid = readZxid(reader);
  return { kind: 'register', zxid, value, version, mzxid, guesses: reader.u53(), hits: reader.u53() };
}

function readRefused(reader: ByteReader, zxid: Zxid): RefusedReply | undefined {
  const code = readText(reader);
  const outcome = readFlag(reader) ? 'unknown' : 'rejected';
  const retryable = readFlag(reader);
  const leaderId = reader.u32();
  const path = readFlag(reader) ? readText(reader) : undefined;
  return isErrorCode(code) ? { kind: 'refused', zxid, code, outcome, retryable, path, leaderId } : undefined;
}
