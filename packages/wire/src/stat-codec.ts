import type { ByteReader, ByteWriter } from './byte-writer.js';
import { ZXID_ZERO, type Stat, type Zxid } from './stat.js';
import { countCodePoints, readUtf8, utf8Length, writeUtf8 } from './utf8.js';

/** Bytes of a stat: three zxids, two times, three versions, the owner, two lengths. */
export const STAT_BYTES = 68;

const TWO_TO_32 = 4_294_967_296;

/** Appends a zxid as two uint32. */
export function writeZxid(writer: ByteWriter, zxid: Zxid): void {
  writer.u32(zxid.epoch);
  writer.u32(zxid.counter);
}

export function writeStat(writer: ByteWriter, stat: Stat): void {
  const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, ephemeralOwner } = stat;
  writer.reserve(STAT_BYTES);
  writer.word(czxid.epoch);
  writer.word(czxid.counter);
  writer.word(mzxid.epoch);
  writer.word(mzxid.counter);
  writer.word(pzxid.epoch);
  writer.word(pzxid.counter);
  writer.word(ctimeMs | 0);
  writer.word((ctimeMs / TWO_TO_32) | 0);
  writer.word(mtimeMs | 0);
  writer.word((mtimeMs / TWO_TO_32) | 0);
  writer.word(stat.version);
  writer.word(stat.cversion);
  writer.word(stat.aversion);
  writer.word(ephemeralOwner.epoch);
  writer.word(ephemeralOwner.counter);
  writer.word(stat.dataLength);
  writer.word(stat.numChildren);
}

/** Appends a text, its length in bytes as a uint32 before it. */
export function writeText(writer: ByteWriter, text: string): void {
  const length = utf8Length(text);
  writer.u32(length);
  writer.reserve(length);
  writer.length = writeUtf8(text, writer.bytes, writer.length);
}

/** Appends bytes or null: a uint32, 0 for null, else the length + 1, and the bytes. */
export function writeData(writer: ByteWriter, data: Uint8Array | null): void {
  writer.u32(data === null ? 0 : data.length + 1);
  if (data !== null) writer.raw(data);
}

export function readZxid(reader: ByteReader): Zxid {
  return { epoch: reader.u32(), counter: reader.u32() };
}

export function readStat(reader: ByteReader): Stat {
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
    ephemeralOwner: readOwner(reader),
    dataLength: reader.u32(),
    numChildren: reader.u32(),
    pzxid,
  };
}

/** Most nodes have no owner: they share one zero. */
function readOwner(reader: ByteReader): Zxid {
  const epoch = reader.u32();
  const counter = reader.u32();
  return epoch === 0 && counter === 0 ? ZXID_ZERO : { epoch, counter };
}

export function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) reader.failed = true;
  return flag === 1;
}

export function readText(reader: ByteReader): string {
  const length = reader.u32();
  const start = reader.skip(length);
  if (reader.failed) return '';
  if (countCodePoints(reader.bytes, start, start + length) < 0) {
    reader.failed = true;
    return '';
  }
  return readUtf8(reader.bytes, start, start + length);
}

/** A view of the bytes, or null. */
export function readData(reader: ByteReader): Uint8Array | null {
  const length = reader.u32();
  if (length === 0) return null;
  const start = reader.skip(length - 1);
  return reader.bytes.subarray(start, reader.failed ? start : start + length - 1);
}

/** How many things follow, when each takes at least `bytesMin` bytes: more than could be there fails before anything is made for them. */
export function readCount(reader: ByteReader, bytesMin: number): number {
  const count = reader.u32();
  if (!reader.failed && count * bytesMin <= reader.end - reader.at) return count;
  reader.failed = true;
  return 0;
}
