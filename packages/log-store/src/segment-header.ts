import { checksum, getWhole, setWhole, viewOf } from './bytes.js';
import { END_MARK, FORMAT_VERSION, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_COPY_AT, SEGMENT_MAGIC } from './format.js';
import type { SegmentId } from './frame.js';

/**
 * The head of a segment's file: who it is, twice, in two sectors, so that one of them may rot. Without it the salt is unknown and
 * nothing else in the file could be believed.
 *
 *   0 magic   4 crc of the rest   8 format version   12 zero   16 sequence   24 salt (8 bytes)   32 size of the file   60 end mark
 */
export interface SegmentHeader extends SegmentId {
  /** The size with which the file was made, zero-filled. */
  readonly sizeBytes: number;
}

const COPY_BYTES = 64;

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, SEGMENT_MAGIC, true);
  view.setUint32(8, FORMAT_VERSION, true);
  setWhole(view, 16, header.sequence);
  view.setUint32(24, header.saltLow, true);
  view.setUint32(28, header.saltHigh, true);
  setWhole(view, 32, header.sizeBytes);
  view.setUint32(60, END_MARK, true);
  view.setUint32(4, checksum(bytes, 8, COPY_BYTES), true);
  bytes.copyWithin(SEGMENT_HEADER_COPY_AT, 0, COPY_BYTES);
  return bytes;
}

/** The header from whichever copy is whole; undefined when neither is, or it is of another segment than the file's name says. */
export function decodeSegmentHeader(bytes: Uint8Array, sequence: number): SegmentHeader | undefined {
  for (const at of [0, SEGMENT_HEADER_COPY_AT]) {
    const header = decodeCopy(bytes, at);
    if (header !== undefined && header.sequence === sequence) return header;
  }
  return undefined;
}

function decodeCopy(bytes: Uint8Array, at: number): SegmentHeader | undefined {
  if (at + COPY_BYTES > bytes.byteLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, COPY_BYTES);
  if (view.getUint32(0, true) !== SEGMENT_MAGIC || view.getUint32(4, true) !== checksum(bytes, at + 8, at + COPY_BYTES))
    return undefined;
  return {
    sequence: getWhole(view, 16),
    saltLow: view.getUint32(24, true),
    saltHigh: view.getUint32(28, true),
    sizeBytes: getWhole(view, 32),
  };
}
