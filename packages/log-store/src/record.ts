import type { Block } from '@zkl/consensus';
import { checksum, viewOf } from './bytes.js';
import { LogStoreError } from './errors.js';
import { RECORD_HEADER_BYTES, RECORD_MAGIC } from './format.js';

/**
 * A block as one checksummed record, little-endian, the same on disk and between servers:
 *
 *   0 magic       4 crc of all that follows   8 payload length   12 epoch
 *   16 leader     20 first counter            24 count           28 previous epoch    32 previous counter
 *   36 committed epoch   40 committed counter   44 zero   48 time (float64)   56 payload
 *
 * The link to the block before it is a property of the block, so a record proves its place in the history wherever it stands.
 */

const UINT32_MAX = 0xffff_ffff;
const LEADER_MAX = 65_535;
/** What a Date holds: 100 million days from 1970. */
const TIME_MS_MAX = 8.64e15;

export interface DecodedRecord {
  /** Its `payload` and `record` are views on the bytes given; copy them if those are to be reused. */
  readonly block: Block;
  /** Where the next record begins. */
  readonly end: number;
}

/** Encodes a block afresh. Prefer `recordOf`, which does it once a block. */
export function encodeRecord(block: Block): Uint8Array {
  const payload = block.payload;
  const record = new Uint8Array(RECORD_HEADER_BYTES + payload.byteLength);
  const view = viewOf(record);
  view.setUint32(0, RECORD_MAGIC, true);
  view.setUint32(8, payload.byteLength, true);
  view.setUint32(12, block.epoch, true);
  view.setUint32(16, block.leader, true);
  view.setUint32(20, block.firstCounter, true);
  view.setUint32(24, block.count, true);
  view.setUint32(28, block.prevEpoch, true);
  view.setUint32(32, block.prevCounter, true);
  view.setUint32(36, block.committedEpoch, true);
  view.setUint32(40, block.committedCounter, true);
  view.setFloat64(48, block.timeMs, true);
  record.set(payload, RECORD_HEADER_BYTES);
  view.setUint32(4, checksum(record, 8, record.byteLength), true);
  return record;
}

/** The block's record, made on the first call and kept on the block. */
export function recordOf(block: Block): Uint8Array {
  block.record ??= encodeRecord(block);
  return block.record;
}

/** The length that the record at `offset` says it has, unchecked; undefined when its header is not all there or is none. */
export function recordBytesAt(bytes: Uint8Array, offset: number): number | undefined {
  if (offset + RECORD_HEADER_BYTES > bytes.byteLength) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(offset, true) !== RECORD_MAGIC) return undefined;
  return RECORD_HEADER_BYTES + view.getUint32(offset + 8, true);
}

/**
 * Decodes and checks the record at `offset`.
 * @throws LogStoreError RECORD_INVALID when it is short, its checksum is wrong, or it could not be a block.
 */
export function decodeRecord(bytes: Uint8Array, offset = 0): DecodedRecord {
  const size = recordBytesAt(bytes, offset);
  if (size === undefined) throw invalid('there is no record header');
  const end = offset + size;
  if (end > bytes.byteLength) throw invalid('it is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_BYTES);
  if (view.getUint32(4, true) !== checksum(bytes, offset + 8, end)) throw invalid('its checksum is wrong');
  const block: Block = {
    epoch: view.getUint32(12, true),
    leader: view.getUint32(16, true),
    firstCounter: view.getUint32(20, true),
    count: view.getUint32(24, true),
    prevEpoch: view.getUint32(28, true),
    prevCounter: view.getUint32(32, true),
    committedEpoch: view.getUint32(36, true),
    committedCounter: view.getUint32(40, true),
    timeMs: view.getFloat64(48, true),
    payload: bytes.subarray(offset + RECORD_HEADER_BYTES, end),
    record: bytes.subarray(offset, end),
  };
  const fault = rangeFault(block);
  if (fault !== undefined) throw invalid(fault);
  return { block, end };
}

/** Checksums do not stop a peer that lies: a record from a socket must also make sense. */
function rangeFault(block: Block): string | undefined {
  if (block.count < 1 || block.firstCounter < 1) return 'it holds no write';
  if (block.firstCounter + block.count - 1 > UINT32_MAX) return 'its counters overflow';
  // Each write takes more than a byte, so whoever goes over the writes takes a time that the bytes were sent for.
  if (block.count > Math.max(block.payload.byteLength, 1)) return 'it names more writes than it has room for';
  if (block.leader < 1 || block.leader > LEADER_MAX) return 'its leader is no server id';
  return Math.abs(block.timeMs) <= TIME_MS_MAX ? undefined : 'its time is none';
}

function invalid(why: string): LogStoreError {
  return new LogStoreError('RECORD_INVALID', `These bytes are not a valid record: ${why}.`);
}
