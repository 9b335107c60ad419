import type { Block, Zxid } from '@zkl/consensus';
import { alignUp, checksum, getWhole, setWhole, viewOf } from './bytes.js';
import {
  END_MARK,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_TRAILER_BYTES,
  RECORD_HEADER_BYTES,
  SECTOR_BYTES,
  TRAILER_MAGIC,
} from './format.js';
import { decodeRecord } from './record.js';

/**
 * A frame is one write to the log: a header, the records of the group, a trailer. Frames stand one after the other, each
 * aligned to 64 bytes. Header and trailer have checksums of their own, so lengths can be trusted before the records are read,
 * and both name the segment (sequence and a random salt) and their position in it: a stale or misdirected sector cannot pass.
 *
 * Header: 0 magic   4 crc of the rest   8 salt (8 bytes)   16 segment sequence   24 position   32 body length   36 records
 *         40 flags (1: truncates)   44 epoch, 48 counter to truncate to   52 sparse sectors   56 zero   60 end mark
 * Trailer: 0 magic   4 crc of the rest   8 salt   16 crc of the header   20 body length   24 records   28 end mark
 */

/** What names one use of one file: everything in a segment repeats it. */
export interface SegmentId {
  readonly sequence: number;
  readonly saltLow: number;
  readonly saltHigh: number;
}

export interface FrameHeader {
  readonly bodyBytes: number;
  readonly records: number;
  /** Drop every block after this zxid before the frame's own blocks. */
  readonly truncateTo: Zxid | undefined;
  /** Sectors of the body with at most one bit set, as written: what recovery counts against. */
  readonly sparseSectors: number;
  /** The header's checksum; the trailer repeats it. */
  readonly crc: number;
}

const FLAG_TRUNCATES = 1;

/** How many bytes a frame with such a body takes, without the padding after it. */
export function frameBytes(bodyBytes: number): number {
  return FRAME_HEADER_BYTES + alignUp(bodyBytes, FRAME_TRAILER_BYTES) + FRAME_TRAILER_BYTES;
}

/** Where the next frame begins after one at `offset`. */
export function nextFrameAt(offset: number, bodyBytes: number): number {
  return alignUp(offset + frameBytes(bodyBytes), FRAME_HEADER_BYTES);
}

export function trailerAt(frameStart: number, bodyBytes: number): number {
  return frameStart + FRAME_HEADER_BYTES + alignUp(bodyBytes, FRAME_TRAILER_BYTES);
}

/** Fills `target`, which has exactly `frameBytes` of the records' bytes, with the frame that is to stand at `offset`. */
export function encodeFrame(
  target: Uint8Array,
  id: SegmentId,
  offset: number,
  records: readonly Uint8Array[],
  truncateTo: Zxid | undefined,
): void {
  let at = FRAME_HEADER_BYTES;
  for (const record of records) {
    target.set(record, at);
    at += record.byteLength;
  }
  const bodyBytes = at - FRAME_HEADER_BYTES;
  const trailer = trailerAt(0, bodyBytes);
  target.fill(0, at, trailer);
  const view = viewOf(target);
  view.setUint32(0, FRAME_MAGIC, true);
  setSalt(view, 8, id);
  setWhole(view, 16, id.sequence);
  setWhole(view, 24, offset);
  view.setUint32(32, bodyBytes, true);
  view.setUint32(36, records.length, true);
  view.setUint32(40, truncateTo === undefined ? 0 : FLAG_TRUNCATES, true);
  view.setUint32(44, truncateTo?.epoch ?? 0, true);
  view.setUint32(48, truncateTo?.counter ?? 0, true);
  view.setUint32(52, countSectors(target, 0, offset, bodyBytes, isSparse), true);
  view.setUint32(56, 0, true);
  view.setUint32(60, END_MARK, true);
  const crc = checksum(target, 8, FRAME_HEADER_BYTES);
  view.setUint32(4, crc, true);
  encodeTrailer(view, target, trailer, id, crc, bodyBytes, records.length);
}

function encodeTrailer(
  view: DataView,
  target: Uint8Array,
  at: number,
  id: SegmentId,
  headerCrc: number,
  bodyBytes: number,
  records: number,
): void {
  view.setUint32(at, TRAILER_MAGIC, true);
  setSalt(view, at + 8, id);
  view.setUint32(at + 16, headerCrc, true);
  view.setUint32(at + 20, bodyBytes, true);
  view.setUint32(at + 24, records, true);
  view.setUint32(at + 28, END_MARK, true);
  view.setUint32(at + 4, checksum(target, at + 8, at + FRAME_TRAILER_BYTES), true);
}

function setSalt(view: DataView, at: number, id: SegmentId): void {
  view.setUint32(at, id.saltLow, true);
  view.setUint32(at + 4, id.saltHigh, true);
}

function hasSalt(view: DataView, at: number, id: SegmentId): boolean {
  return view.getUint32(at, true) === id.saltLow && view.getUint32(at + 4, true) === id.saltHigh;
}

/** `elsewhere`: a whole header of this segment that belongs at another position: a misdirected write. */
export type HeaderCheck = FrameHeader | 'elsewhere' | undefined;

/** Checks the frame header at `bytes[at]`, which stands at `offset` of the segment's file. */
export function readFrameHeader(bytes: Uint8Array, at: number, id: SegmentId, offset: number): HeaderCheck {
  if (at + FRAME_HEADER_BYTES > bytes.byteLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER_BYTES);
  if (view.getUint32(0, true) !== FRAME_MAGIC) return undefined;
  const crc = view.getUint32(4, true);
  if (crc !== checksum(bytes, at + 8, at + FRAME_HEADER_BYTES) || !hasSalt(view, 8, id)) return undefined;
  if (getWhole(view, 16) !== id.sequence || getWhole(view, 24) !== offset) return 'elsewhere';
  const truncates = (view.getUint32(40, true) & FLAG_TRUNCATES) !== 0;
  return {
    bodyBytes: view.getUint32(32, true),
    records: view.getUint32(36, true),
    truncateTo: truncates ? { epoch: view.getUint32(44, true), counter: view.getUint32(48, true) } : undefined,
    sparseSectors: view.getUint32(52, true),
    crc,
  };
}

/** True when the trailer of that frame stands whole at `bytes[at]`. */
export function isTrailer(bytes: Uint8Array, at: number, id: SegmentId, header: FrameHeader): boolean {
  if (at + FRAME_TRAILER_BYTES > bytes.byteLength) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_TRAILER_BYTES);
  return (
    view.getUint32(0, true) === TRAILER_MAGIC &&
    view.getUint32(4, true) === checksum(bytes, at + 8, at + FRAME_TRAILER_BYTES) &&
    hasSalt(view, 8, id) &&
    view.getUint32(16, true) === header.crc
  );
}

export interface FrameBody {
  /** The blocks before the first that is not whole. */
  readonly blocks: Block[];
  /** Why not all of them could be read. */
  readonly fault: string | undefined;
}

/** Decodes the records of the frame whose header stands at `bytes[at]`. */
export function readFrameBody(bytes: Uint8Array, at: number, header: FrameHeader): FrameBody {
  const blocks: Block[] = [];
  const end = at + FRAME_HEADER_BYTES + header.bodyBytes;
  let next = at + FRAME_HEADER_BYTES;
  try {
    while (blocks.length < header.records) {
      const decoded = decodeRecord(bytes, next);
      blocks.push(decoded.block);
      next = decoded.end;
    }
  } catch (error) {
    return { blocks, fault: `record ${blocks.length + 1} of ${header.records}: ${(error as Error).message}` };
  }
  return { blocks, fault: next === end ? undefined : 'its records do not fill its length' };
}

/** The largest body that fits into `room` bytes. */
export function bodyThatFits(room: number): number {
  const body =
    Math.floor((room - FRAME_HEADER_BYTES - FRAME_TRAILER_BYTES) / FRAME_TRAILER_BYTES) * FRAME_TRAILER_BYTES;
  return Math.max(body, 0);
}

/** A record's least weight in a frame; bounds what a header may claim. */
export const RECORD_BYTES_MIN = RECORD_HEADER_BYTES;

/**
 * Counts the sectors that lie wholly within a frame's body and satisfy `test`. The frame begins at `bytes[at]` and at `offset`
 * of its file; sectors are those of the file.
 */
export function countSectors(
  bytes: Uint8Array,
  at: number,
  offset: number,
  bodyBytes: number,
  test: (bytes: Uint8Array, from: number, to: number) => boolean,
): number {
  const shift = at - offset;
  const bodyEnd = trailerAt(offset, bodyBytes);
  let count = 0;
  for (
    let sector = alignUp(offset + FRAME_HEADER_BYTES, SECTOR_BYTES);
    sector + SECTOR_BYTES <= bodyEnd;
    sector += SECTOR_BYTES
  ) {
    if (test(bytes, sector + shift, sector + shift + SECTOR_BYTES)) count += 1;
  }
  return count;
}

/** At most one bit set. Written to leave at the first byte or two of ordinary data. */
export function isSparse(bytes: Uint8Array, from: number, to: number): boolean {
  let found = false;
  for (let at = from; at < to; at += 1) {
    const value = bytes[at] ?? 0;
    if (value === 0) continue;
    if (found || (value & (value - 1)) !== 0) return false;
    found = true;
  }
  return true;
}
