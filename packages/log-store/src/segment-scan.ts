import type { Block, Zxid } from '@zkl/consensus';
import { firstNonZero, isBlank, viewOf } from './bytes.js';
import { FRAME_HEADER_BYTES, FRAME_MAGIC, FRAME_TRAILER_BYTES, SECTOR_BYTES, SEGMENT_HEADER_BYTES } from './format.js';
import {
  countSectors,
  type FrameHeader,
  isTrailer,
  nextFrameAt,
  readFrameBody,
  readFrameHeader,
  type SegmentId,
  trailerAt,
} from './frame.js';

/**
 * Reads a segment's frames and says what ends them. A pure function of the bytes, so that every cut and every flipped bit can
 * be tried on it.
 *
 * A crash tears only the last write, since one write is under way at a time. Of that write any sector may be missing (zeros, as
 * the file was made of zeros), or it ends at some byte. What is unreadable and cannot be explained so is damage: it may have been
 * acknowledged. In detail, for an unreadable frame at P:
 *
 *  1. A whole frame header of this segment stands after P: a later write was made, so the one at P was durable once. Damage.
 *  2. P's header is whole. Its trailer missing to its last byte: the write ended before it: torn. Its trailer whole: then all was
 *     written, unless sectors are missing in between: torn only when more of the body's sectors are zero than the header says
 *     were sparse when it was written. Else damage. Anything but zeros after the frame's end: damage, since a torn write explains
 *     nothing there.
 *  3. P's header is zeros. Nothing but zeros after it (or one flipped bit): the clean end. Otherwise its sector must be missing
 *     as a whole (torn), else damage.
 *  4. P's header is neither: it lies within one sector, so only a write that ended within it explains that: its last byte and all
 *     that follows are zeros (torn). Else damage.
 *
 * A torn write that is classed as damage costs a repair from the leader; the reverse would lose acknowledged writes. So each doubt
 * is damage, except the one that cannot be decided: zeros where a last write may have been (see docs/data-format.md, "Marks").
 */

export interface ScannedFrame {
  readonly offset: number;
  readonly next: number;
  readonly truncateTo: Zxid | undefined;
  readonly blocks: readonly Block[];
}

export type SegmentTail =
  /** Zeros follow. */
  | { readonly kind: 'clean' }
  /** An append that a crash interrupted. `blocks` are the whole ones at its beginning. */
  | { readonly kind: 'torn'; readonly reason: string; readonly blocks: readonly Block[] }
  /** Something that may have been acknowledged is unreadable. */
  | { readonly kind: 'damaged'; readonly reason: string; readonly blocks: readonly Block[] };

export interface SegmentScan {
  /** Where the last whole frame ends, aligned: the next one belongs here. */
  readonly end: number;
  /** Where the last whole frame begins; undefined when there is none. */
  readonly lastFrameAt: number | undefined;
  readonly frames: number;
  readonly tail: SegmentTail;
}

/**
 * Scans a whole segment file, padded with zeros to its full size; hands each frame to `visit`, in order. `visit` may find fault
 * with a frame that is whole: that is damage, too.
 */
export function scanSegment(
  bytes: Uint8Array,
  id: SegmentId,
  visit: (frame: ScannedFrame) => string | undefined,
): SegmentScan {
  let offset = SEGMENT_HEADER_BYTES;
  let lastFrameAt: number | undefined;
  let frames = 0;
  for (;;) {
    const header = readFrameHeader(bytes, offset, id, offset);
    if (header === undefined || header === 'elsewhere') {
      return { end: offset, lastFrameAt, frames, tail: tailWithoutHeader(bytes, id, offset, header) };
    }
    const next = nextFrameAt(offset, header.bodyBytes);
    const body = readFrameBody(bytes, offset, header);
    if (body.fault !== undefined) {
      const verdict = tailAfterHeader(bytes, id, offset, header);
      // Of a frame that truncates nothing may be kept: its blocks stand on the truncation.
      const blocks = header.truncateTo === undefined ? body.blocks : [];
      return {
        end: offset,
        lastFrameAt,
        frames,
        tail: { ...verdict, reason: `${verdict.reason} (${body.fault})`, blocks },
      };
    }
    const fault = visit({ offset, next, truncateTo: header.truncateTo, blocks: body.blocks });
    if (fault !== undefined) {
      return {
        end: offset,
        lastFrameAt,
        frames,
        tail: { ...damaged(`the frame at offset ${offset} does not belong there: ${fault}`), blocks: [] },
      };
    }
    lastFrameAt = offset;
    offset = next;
    frames += 1;
  }
}

interface Verdict {
  readonly kind: 'torn' | 'damaged';
  readonly reason: string;
}

/** Rules 1 and 2. */
function tailAfterHeader(bytes: Uint8Array, id: SegmentId, offset: number, header: FrameHeader): Verdict {
  const later = laterFrame(bytes, id, offset);
  if (later !== undefined) return damaged(`a frame at offset ${offset} is unreadable, and ${later}`);
  const trailer = trailerAt(offset, header.bodyBytes);
  if (!isBlank(bytes, Math.min(trailer + FRAME_TRAILER_BYTES, bytes.byteLength), bytes.byteLength)) {
    return damaged(`a frame at offset ${offset} is unreadable, and bytes follow it`);
  }
  if (isTrailer(bytes, trailer, id, header)) {
    const missing = countSectors(bytes, offset, offset, header.bodyBytes, isZero);
    if (missing > header.sparseSectors) return torn(`sectors of the last write, at offset ${offset}, are missing`);
    return damaged(`the last frame, at offset ${offset}, is all there, but its checksum is wrong`);
  }
  const lastByte = trailer + FRAME_TRAILER_BYTES - 1;
  if ((bytes[lastByte] ?? 0) === 0) return torn(`the last write, at offset ${offset}, ends before its trailer`);
  return damaged(`the last frame, at offset ${offset}, and its trailer are wrong`);
}

/** Rules 1, 3 and 4. */
function tailWithoutHeader(
  bytes: Uint8Array,
  id: SegmentId,
  offset: number,
  header: 'elsewhere' | undefined,
): SegmentTail {
  if (isBlank(bytes, Math.min(offset, bytes.byteLength), bytes.byteLength)) return { kind: 'clean' };
  if (header === 'elsewhere') return { ...damaged(`a write of another place stands at offset ${offset}`), blocks: [] };
  const later = laterFrame(bytes, id, offset);
  if (later !== undefined)
    return { ...damaged(`a frame header at offset ${offset} is unreadable, and ${later}`), blocks: [] };
  const headerEnd = offset + FRAME_HEADER_BYTES;
  if (isBlank(bytes, offset, headerEnd)) {
    const sectorEnd = Math.floor(offset / SECTOR_BYTES + 1) * SECTOR_BYTES;
    const whole = isBlank(bytes, offset, Math.min(sectorEnd, bytes.byteLength));
    const verdict = whole
      ? torn(`the first sector of the last write, at offset ${offset}, is missing`)
      : damaged(`the header of the last frame, at offset ${offset}, is missing, but not what follows it`);
    return { ...verdict, blocks: [] };
  }
  const cut = bytes[headerEnd - 1] === 0 && isBlank(bytes, headerEnd, bytes.byteLength);
  const verdict = cut
    ? torn(`the last write, at offset ${offset}, ends within its header`)
    : damaged(`the header of the last frame, at offset ${offset}, is wrong`);
  return { ...verdict, blocks: [] };
}

/** Looks for the header of a later write, at every place where one could stand. */
function laterFrame(bytes: Uint8Array, id: SegmentId, offset: number): string | undefined {
  const view = viewOf(bytes);
  for (let at = offset + FRAME_HEADER_BYTES; at + FRAME_HEADER_BYTES <= bytes.byteLength; at += FRAME_HEADER_BYTES) {
    if (view.getUint32(at, true) !== FRAME_MAGIC) continue;
    const header = readFrameHeader(bytes, at, id, at);
    if (header === 'elsewhere') return `a misdirected write stands at offset ${at}`;
    if (header !== undefined) return `a later one at offset ${at} is whole`;
  }
  return undefined;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  return firstNonZero(bytes, from, to) < 0;
}

function torn(reason: string): Verdict {
  return { kind: 'torn', reason };
}

function damaged(reason: string): Verdict {
  return { kind: 'damaged', reason };
}
