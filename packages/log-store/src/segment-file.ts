import type { Disk, DiskFile } from './disk.js';
import { SEGMENT_HEADER_BYTES, TEMPORARY_SUFFIX, segmentName } from './format.js';
import { encodeSegmentHeader, type SegmentHeader } from './segment-header.js';

/** A segment of the log on disk. */
export interface SegmentFile {
  readonly id: SegmentHeader;
  readonly path: string;
  /** Where the next frame belongs. Everything before it is durable. */
  end: number;
  /** Bytes that it takes on disk. */
  sizeBytes: number;
}

/** A place in the log's files. Later writes have later positions, for ever: segments are numbered and never reused. */
export interface LogPosition {
  readonly sequence: number;
  readonly offset: number;
}

export function comparePosition(a: LogPosition, b: LogPosition): number {
  return a.sequence - b.sequence || a.offset - b.offset;
}

/** How much is written at once, and how much between syncs, while a segment is being made: small, so that the log's own writes hardly wait. */
const PIECE_BYTES = 262_144;
const PIECES_A_SYNC = 4;

/**
 * Makes a segment: filled with zeros, so that appending to it never allocates and what was not written is known to be zeros; then its
 * header; then its name. Durable, name included, when it resolves. Removes what it made when it fails.
 */
export async function createSegment(disk: Disk, folder: string, header: SegmentHeader): Promise<SegmentFile> {
  const path = `${folder}/${segmentName(header.sequence)}`;
  const temporary = path + TEMPORARY_SUFFIX;
  try {
    await fill(disk, temporary, header);
    await disk.rename(temporary, path);
    await disk.syncFolder(folder);
  } catch (error) {
    // On a full disk the half-made file must not stay and keep it full. A failure here changes nothing: the name is temporary.
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
  return { id: header, path, end: SEGMENT_HEADER_BYTES, sizeBytes: header.sizeBytes };
}

async function fill(disk: Disk, path: string, header: SegmentHeader): Promise<void> {
  const file = await disk.open(path, 'create');
  try {
    await writeZeros(file, header.sizeBytes);
    await file.write(encodeSegmentHeader(header), 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeZeros(file: DiskFile, sizeBytes: number): Promise<void> {
  const zeros = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  let pieces = 0;
  for (let at = 0; at < sizeBytes; at += zeros.byteLength) {
    await file.write(zeros.subarray(0, Math.min(zeros.byteLength, sizeBytes - at)), at);
    pieces += 1;
    if (pieces % PIECES_A_SYNC === 0) await file.sync();
  }
}
