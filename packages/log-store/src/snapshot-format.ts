import type { Zxid } from '@zkl/consensus';
import { checksum, getWhole, setWhole, viewOf } from './bytes.js';
import {
  END_MARK,
  FORMAT_VERSION,
  SNAPSHOT_BLOCK_BYTES,
  SNAPSHOT_BLOCK_HEADER_BYTES,
  SNAPSHOT_FOOTER_BYTES,
  SNAPSHOT_FOOTER_MAGIC,
  SNAPSHOT_HEADER_BYTES,
  SNAPSHOT_MAGIC,
} from './format.js';
import type { LogPosition } from './segment-file.js';

/**
 * A snapshot's file: a header, blocks of at most 64 KiB with a checksum each, a footer. A block's checksum covers its number and
 * the file's salt, so blocks cannot change places; the footer counts blocks and bytes, so none can be missing.
 *
 * Header: 0 magic   4 crc of the rest   8 format version   16 salt (8 bytes)   24 epoch   28 counter   60 end mark
 * Block:  0 length   4 crc of salt, number, length and data   8 data
 * Footer: 0 magic   4 crc of the rest   8 salt   16 epoch   20 counter   24 bytes of state   32 blocks   36 flags (1: installed)
 *         40 log position: segment sequence   48 offset in it   60 end mark
 */
export interface SnapshotHeader {
  readonly zxid: Zxid;
  readonly saltLow: number;
  readonly saltHigh: number;
}

export interface SnapshotFooter {
  /** Bytes of state. */
  readonly stateBytes: number;
  readonly blocks: number;
  /**
   * `saved`: of this server's own state. `installed`: taken from a leader; it replaced the whole log.
   */
  readonly origin: 'saved' | 'installed';
  /**
   * Saved: the log's end when it was begun; a truncation after it may undo it. Installed: what stands in the log before it is void.
   */
  readonly position: LogPosition;
}

export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, SNAPSHOT_MAGIC, true);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(16, header.saltLow, true);
  view.setUint32(20, header.saltHigh, true);
  view.setUint32(24, header.zxid.epoch, true);
  view.setUint32(28, header.zxid.counter, true);
  return seal(bytes, view);
}

export function decodeSnapshotHeader(bytes: Uint8Array): SnapshotHeader | undefined {
  if (!isSealed(bytes, SNAPSHOT_MAGIC, SNAPSHOT_HEADER_BYTES)) return undefined;
  const view = viewOf(bytes);
  return {
    saltLow: view.getUint32(16, true),
    saltHigh: view.getUint32(20, true),
    zxid: { epoch: view.getUint32(24, true), counter: view.getUint32(28, true) },
  };
}

export function encodeSnapshotFooter(header: SnapshotHeader, footer: SnapshotFooter): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_FOOTER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, SNAPSHOT_FOOTER_MAGIC, true);
  view.setUint32(8, header.saltLow, true);
  view.setUint32(12, header.saltHigh, true);
  view.setUint32(16, header.zxid.epoch, true);
  view.setUint32(20, header.zxid.counter, true);
  setWhole(view, 24, footer.stateBytes);
  view.setUint32(32, footer.blocks, true);
  view.setUint32(36, footer.origin === 'installed' ? 1 : 0, true);
  setWhole(view, 40, footer.position.sequence);
  setWhole(view, 48, footer.position.offset);
  return seal(bytes, view);
}

/** The footer, when it is whole and of the same file as the header. */
export function decodeSnapshotFooter(bytes: Uint8Array, header: SnapshotHeader): SnapshotFooter | undefined {
  if (!isSealed(bytes, SNAPSHOT_FOOTER_MAGIC, SNAPSHOT_FOOTER_BYTES)) return undefined;
  const view = viewOf(bytes);
  const same =
    view.getUint32(8, true) === header.saltLow &&
    view.getUint32(12, true) === header.saltHigh &&
    view.getUint32(16, true) === header.zxid.epoch &&
    view.getUint32(20, true) === header.zxid.counter;
  if (!same) return undefined;
  return {
    stateBytes: getWhole(view, 24),
    blocks: view.getUint32(32, true),
    origin: view.getUint32(36, true) === 1 ? 'installed' : 'saved',
    position: { sequence: getWhole(view, 40), offset: getWhole(view, 48) },
  };
}

/** How long the file is that a header and footer describe. */
export function snapshotFileBytes(footer: SnapshotFooter): number {
  return (
    SNAPSHOT_HEADER_BYTES + footer.blocks * SNAPSHOT_BLOCK_HEADER_BYTES + footer.stateBytes + SNAPSHOT_FOOTER_BYTES
  );
}

/** Fills `target` with the block's header and data. */
export function encodeSnapshotBlock(
  target: Uint8Array,
  header: SnapshotHeader,
  number: number,
  data: Uint8Array,
): void {
  const view = viewOf(target);
  view.setUint32(0, data.byteLength, true);
  target.set(data, SNAPSHOT_BLOCK_HEADER_BYTES);
  view.setUint32(4, blockChecksum(header, number, data), true);
}

/** The length of the block whose header stands at `at`, or undefined when it can be none. */
export function snapshotBlockBytes(bytes: Uint8Array, at: number): number | undefined {
  if (at + SNAPSHOT_BLOCK_HEADER_BYTES > bytes.byteLength) return undefined;
  const length = viewOf(bytes).getUint32(at, true);
  return length >= 1 && length <= SNAPSHOT_BLOCK_BYTES ? length : undefined;
}

/** Whether the whole block at `at` is the one that was written. */
export function isSnapshotBlock(
  bytes: Uint8Array,
  at: number,
  length: number,
  header: SnapshotHeader,
  number: number,
): boolean {
  const from = at + SNAPSHOT_BLOCK_HEADER_BYTES;
  return viewOf(bytes).getUint32(at + 4, true) === blockChecksum(header, number, bytes.subarray(from, from + length));
}

function blockChecksum(header: SnapshotHeader, number: number, data: Uint8Array): number {
  const place = new Uint8Array(16);
  const view = viewOf(place);
  view.setUint32(0, header.saltLow, true);
  view.setUint32(4, header.saltHigh, true);
  view.setUint32(8, number, true);
  view.setUint32(12, data.byteLength, true);
  return checksum(data, 0, data.byteLength, checksum(place, 0, 16));
}

function seal(bytes: Uint8Array, view: DataView): Uint8Array {
  view.setUint32(bytes.byteLength - 4, END_MARK, true);
  view.setUint32(4, checksum(bytes, 8, bytes.byteLength), true);
  return bytes;
}

function isSealed(bytes: Uint8Array, magic: number, length: number): boolean {
  if (bytes.byteLength !== length) return false;
  const view = viewOf(bytes);
  return view.getUint32(0, true) === magic && view.getUint32(4, true) === checksum(bytes, 8, length);
}
