import type { Block, Zxid } from '@zkl/consensus';
import { isBlank } from './bytes.js';
import { type Disk, readWhole } from './disk.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { decodeSegmentHeader } from './segment-header.js';
import { comparePosition, type LogPosition, type SegmentFile } from './segment-file.js';
import { type ScannedFrame, scanSegment, type SegmentTail } from './segment-scan.js';
import type { LogMap } from './log-map.js';
import { compareZxid, endOf, follows, formatZxid, maxZxid, prevOf, ZXID_ZERO } from './zxid.js';

/** What is added to a file that is shorter than its header says, whose number may be anything. */
const PAD_BYTES_MAX = 1024 * 1024;

/** A segment as it was found. */
export interface ScannedSegment {
  readonly name: string;
  readonly sequence: number;
  /** undefined when its header is unreadable. */
  readonly file: SegmentFile | undefined;
  /** True when the file has its full size: more can be appended. */
  readonly open: boolean;
  /** Where its last whole frame begins; undefined when there is none. */
  readonly lastFrameAt: number | undefined;
  readonly frames: number;
  readonly blocks: number;
  readonly writes: number;
  /** Of all blocks in it, also those that a later truncation dropped. */
  readonly first: Zxid | undefined;
  readonly last: Zxid | undefined;
  readonly epochs: readonly number[];
  readonly tail: SegmentTail;
}

/** Something in the log that may have been acknowledged and is unreadable: at `offset` of the segment, and all after it. */
export interface LogFault {
  readonly segment: ScannedSegment;
  readonly offset: number;
  readonly reason: string;
  /** The whole blocks at the beginning of the unreadable frame. */
  readonly blocks: readonly Block[];
}

export interface LogScan {
  /** In order of sequence. */
  readonly segments: readonly ScannedSegment[];
  readonly fault: LogFault | undefined;
  /** The segment whose last append was interrupted; never together with a fault. */
  readonly torn: ScannedSegment | undefined;
  /** True when there was a frame: only then does the map know where the log begins. */
  readonly started: boolean;
  readonly committed: Zxid;
  readonly epochMax: number;
  readonly truncations: readonly Truncation[];
}

export interface Truncation {
  readonly position: LogPosition;
  readonly to: Zxid;
}

/** Told of each change of the history, in order, beside the map. */
export interface ScanListener {
  onBlock(block: Block): void;
  onTruncate(to: Zxid): void;
}

/** Reads the segments in order, fills `map`, and finds where the history ends and why. Changes nothing on disk. */
export async function scanLog(
  disk: Disk,
  folder: string,
  names: readonly { readonly name: string; readonly sequence: number }[],
  map: LogMap,
  listener: ScanListener,
): Promise<LogScan> {
  const scanner = new Scanner(map, listener);
  for (const { name, sequence } of names) await scanner.segment(disk, folder, name, sequence);
  return scanner.result();
}

class Scanner {
  readonly #map: LogMap;
  readonly #listener: ScanListener;
  readonly #segments: ScannedSegment[] = [];
  readonly #truncations: Truncation[] = [];
  #fault: LogFault | undefined;
  #torn: ScannedSegment | undefined;
  #started = false;
  #committed: Zxid = ZXID_ZERO;
  #epochMax = 0;

  constructor(map: LogMap, listener: ScanListener) {
    this.#map = map;
    this.#listener = listener;
  }

  async segment(disk: Disk, folder: string, name: string, sequence: number): Promise<void> {
    const path = `${folder}/${name}`;
    // Whole segments at a time: bounded by their size, and the fastest there is.
    const { bytes: head, size } = await readHead(disk, path);
    const header = decodeSegmentHeader(head, sequence);
    if (header === undefined) {
      this.#add(unreadable(name, sequence));
      return;
    }
    // Padded with the zeros that it was made of. Only a file that was cut is shorter than it says, and then no frame ends far behind its end.
    const { bytes } = await readWhole(disk, path, Math.min(header.sizeBytes, size + PAD_BYTES_MAX));
    // A read of another place, in which zeros stand where the frames are, would pass for an empty segment (simulation of nodes, seeds 60369 and 30891).
    if (bytes.subarray(0, head.byteLength).some((byte, at) => byte !== head[at])) {
      this.#add(unreadable(name, sequence));
      return;
    }
    const file: SegmentFile = { id: header, path, end: SEGMENT_HEADER_BYTES, sizeBytes: size };
    const tally = new Tally();
    // After a fault nothing is added to the history any more, but what there is gets counted and set aside.
    const halted = this.#fault !== undefined || this.#torn !== undefined;
    const scan = scanSegment(bytes, header, (frame) => {
      const fault = halted ? undefined : this.#frame(file, frame);
      if (fault === undefined) tally.add(frame);
      return fault;
    });
    file.end = scan.end;
    const open = size >= header.sizeBytes && isBlank(bytes, scan.end, bytes.byteLength);
    const { lastFrameAt, frames, tail } = scan;
    this.#add({ name, sequence, file, open, lastFrameAt, frames, ...tally.result(), tail });
  }

  result(): LogScan {
    return {
      segments: this.#segments,
      fault: this.#fault,
      torn: this.#fault === undefined ? this.#torn : undefined,
      started: this.#started,
      committed: this.#committed,
      epochMax: this.#epochMax,
      truncations: this.#truncations,
    };
  }

  #add(segment: ScannedSegment): void {
    this.#segments.push(segment);
    if (this.#fault !== undefined) return;
    if (this.#torn !== undefined) {
      // Only the last write can be torn: once a later segment was begun, the end of this one was durable.
      if (segment.frames === 0 && segment.tail.kind === 'clean') return;
      const reason = `${reasonOf(this.#torn)}, and the log goes on in ${segment.name}`;
      this.#fault = faultOf(this.#torn, reason);
    } else if (segment.tail.kind === 'damaged') this.#fault = faultOf(segment, reasonOf(segment));
    else if (segment.tail.kind === 'torn') this.#torn = segment;
  }

  /** Checks a frame as a whole before any of it counts. */
  #frame(file: SegmentFile, frame: ScannedFrame): string | undefined {
    const fault = this.#frameFault(frame);
    if (fault !== undefined) return fault;
    if (frame.truncateTo !== undefined) this.#truncate(file, frame.offset, frame.truncateTo);
    const [first] = frame.blocks;
    const last = frame.blocks.at(-1);
    if (first === undefined || last === undefined) return undefined;
    if (!this.#started) this.#map.reset(prevOf(first));
    this.#started = true;
    this.#map.append(file, frame.offset, frame.next, prevOf(first), endOf(last));
    for (const block of frame.blocks) this.#block(block);
    return undefined;
  }

  #frameFault(frame: ScannedFrame): string | undefined {
    const { truncateTo, blocks } = frame;
    if (truncateTo !== undefined && this.#started && compareZxid(truncateTo, this.#map.last) > 0) {
      return `it cuts the log at ${formatZxid(truncateTo)}, where it never was`;
    }
    const [first] = blocks;
    if (first === undefined) return undefined;
    let last = truncateTo ?? (this.#started ? this.#map.last : prevOf(first));
    for (const block of blocks) {
      if (!follows(block, last))
        return `a block follows on ${formatZxid(prevOf(block))}, but the log ends at ${formatZxid(last)}`;
      if (compareZxid(endOf(block), last) <= 0) return 'a block ends before it begins';
      last = endOf(block);
    }
    return undefined;
  }

  #truncate(file: SegmentFile, offset: number, to: Zxid): void {
    if (!this.#started) this.#map.reset(to);
    this.#started = true;
    this.#map.truncate(to);
    this.#listener.onTruncate(to);
    this.#truncations.push({ position: { sequence: file.id.sequence, offset }, to });
  }

  #block(block: Block): void {
    this.#committed = maxZxid(this.#committed, { epoch: block.committedEpoch, counter: block.committedCounter });
    this.#epochMax = Math.max(this.#epochMax, block.epoch);
    this.#listener.onBlock(block);
  }
}

/** What a segment holds, counted. */
class Tally {
  #blocks = 0;
  #writes = 0;
  #first: Zxid | undefined;
  #last: Zxid | undefined;
  readonly #epochs = new Set<number>();

  add(frame: ScannedFrame): void {
    for (const block of frame.blocks) {
      this.#blocks += 1;
      this.#writes += block.count;
      this.#first ??= { epoch: block.epoch, counter: block.firstCounter };
      this.#last = endOf(block);
      this.#epochs.add(block.epoch);
    }
  }

  result(): Pick<ScannedSegment, 'blocks' | 'writes' | 'first' | 'last' | 'epochs'> {
    return {
      blocks: this.#blocks,
      writes: this.#writes,
      first: this.#first,
      last: this.#last,
      epochs: [...this.#epochs],
    };
  }
}

async function readHead(disk: Disk, path: string): Promise<{ bytes: Uint8Array; size: number }> {
  const file = await disk.open(path, 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    await file.read(bytes, 0);
    return { bytes, size: await file.size() };
  } finally {
    await file.close();
  }
}

function unreadable(name: string, sequence: number): ScannedSegment {
  const tail: SegmentTail = { kind: 'damaged', reason: 'both copies of its header are unreadable', blocks: [] };
  return {
    name,
    sequence,
    file: undefined,
    open: false,
    lastFrameAt: undefined,
    frames: 0,
    ...new Tally().result(),
    tail,
  };
}

function reasonOf(segment: ScannedSegment): string {
  return segment.tail.kind === 'clean' ? '' : `${segment.name}: ${segment.tail.reason}`;
}

function faultOf(segment: ScannedSegment, reason: string): LogFault {
  const blocks = segment.tail.kind === 'clean' ? [] : segment.tail.blocks;
  return { segment, offset: segment.file?.end ?? 0, reason, blocks };
}

/** True when the log is known to have been durable up to `mark`, but what was found ends before it. */
export function endsBefore(segments: readonly ScannedSegment[], mark: LogPosition): boolean {
  if (mark.sequence === 0) return false;
  const found = segments.find((segment) => segment.sequence === mark.sequence);
  if (found?.file !== undefined) return comparePosition({ sequence: found.sequence, offset: found.file.end }, mark) < 0;
  // A segment that is gone while a later one is there was purged, replaced by a snapshot, or set aside.
  return !segments.some((segment) => segment.sequence > mark.sequence);
}
