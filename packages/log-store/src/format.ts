/**
 * Numbers whose change makes data folders unreadable. A change of any of them is a new format version.
 * docs/data-format.md tells the layout in words and pictures.
 */

/** The version in the folder's `meta` file. */
export const FORMAT_VERSION = 1;

/** Magic numbers: four letters each, read as a little-endian uint32. */
export const RECORD_MAGIC = 0x524c_4b5a; // ZKLR
export const FRAME_MAGIC = 0x464c_4b5a; // ZKLF
export const TRAILER_MAGIC = 0x454c_4b5a; // ZKLE
export const SEGMENT_MAGIC = 0x474c_4b5a; // ZKLG
export const HARD_STATE_MAGIC = 0x484c_4b5a; // ZKLH
export const SNAPSHOT_MAGIC = 0x534c_4b5a; // ZKLS
export const SNAPSHOT_FOOTER_MAGIC = 0x544c_4b5a; // ZKLT

/** The least that a disk writes as a whole. What must not tear lies within one. */
export const SECTOR_BYTES = 512;

/** A block's header in a record. */
export const RECORD_HEADER_BYTES = 56;

/** A frame is one write to the log. Its header is aligned to its own size, so it never straddles two sectors. */
export const FRAME_HEADER_BYTES = 64;
/** The trailer is aligned to its own size, for the same reason. */
export const FRAME_TRAILER_BYTES = 32;
/** The last word of header and trailer: its highest byte has several bits set, so neither a cut nor a flipped bit fakes it. */
export const END_MARK = 0xa55a_a55a;

/** Two copies of the segment's header, a sector each; frames begin after them. */
export const SEGMENT_HEADER_BYTES = 1024;
export const SEGMENT_HEADER_COPY_AT = 512;
/** The end of every segment is kept for frames without blocks, so that a truncation succeeds on a full disk. */
export const CONTROL_RESERVE_BYTES = 1024;

/** The two slots of the hard state, far enough apart for disks with sectors of 4 KiB. */
export const HARD_STATE_SLOT_AT: readonly [number, number] = [0, 4096];
export const HARD_STATE_FILE_BYTES = 8192;
export const HARD_STATE_SLOT_BYTES = 64;

/** Snapshot blocks carry at most this much of the state. */
export const SNAPSHOT_BLOCK_BYTES = 65_536;
export const SNAPSHOT_HEADER_BYTES = 64;
export const SNAPSHOT_BLOCK_HEADER_BYTES = 8;
export const SNAPSHOT_FOOTER_BYTES = 64;

/** Names in the data folder. */
export const META_FILE = 'meta';
/** Names the process that has the folder open. */
export const LOCK_FILE = 'lock';
export const HARD_STATE_FILE = 'hard-state';
/** Present while something that may have been acknowledged is unreadable. */
export const DAMAGE_FILE = 'damage';
/** Where damaged files are kept aside. */
export const DAMAGED_FOLDER = 'damaged';
/** Files that were not finished: removed when the folder is opened. */
export const TEMPORARY_SUFFIX = '.tmp';

const SEGMENT_NAME = /^log-([0-9a-f]{14})\.zkl$/;
const SNAPSHOT_NAME = /^snapshot-([0-9a-f]{8})([0-9a-f]{8})\.zkl$/;

export function segmentName(sequence: number): string {
  return `log-${sequence.toString(16).padStart(14, '0')}.zkl`;
}

/** The sequence number of a segment's file, or undefined for any other file. */
export function sequenceOf(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? undefined : Number.parseInt(match[1] ?? '', 16);
}

export function snapshotName(zxid: { readonly epoch: number; readonly counter: number }): string {
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  return `snapshot-${hex(zxid.epoch)}${hex(zxid.counter)}.zkl`;
}

/** The zxid in a snapshot's file name, or undefined for any other file. */
export function snapshotZxidOf(name: string): { epoch: number; counter: number } | undefined {
  const match = SNAPSHOT_NAME.exec(name);
  if (match === null) return undefined;
  return { epoch: Number.parseInt(match[1] ?? '', 16), counter: Number.parseInt(match[2] ?? '', 16) };
}
