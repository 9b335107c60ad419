import type { Block, Zxid } from '@zkl/consensus';
import { alignUp } from './bytes.js';
import type { Disk, DiskFile } from './disk.js';
import { diskError, invariant, isDiskFull } from './errors.js';
import { CONTROL_RESERVE_BYTES, FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './format.js';
import { bodyThatFits, encodeFrame, frameBytes, nextFrameAt } from './frame.js';
import { recordOf } from './record.js';
import { createSegment, type LogPosition, type SegmentFile } from './segment-file.js';

export interface LogWriterOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly segmentBytes: number;
  /** A random uint32: the salts of segments. */
  readonly random: () => number;
}

/** One frame to be written. */
interface Group {
  readonly segment: SegmentFile;
  readonly blocks: readonly Block[];
  readonly bodyBytes: number;
  readonly truncateTo: Zxid | undefined;
}

/** Frames for which room was found: nothing about writing them can run out of space. */
export type WritePlan = readonly Group[];

/** Told of each frame once it is durable. */
export type FrameWritten = (frame: {
  readonly segment: SegmentFile;
  readonly offset: number;
  readonly next: number;
  readonly blocks: readonly Block[];
  readonly truncateTo: Zxid | undefined;
}) => void;

const SCRATCH_BYTES = 262_144;

/**
 * Appends frames to the active segment and keeps the next one ready, so that a full disk shows before anything is written, and
 * going on to the next segment costs nothing but opening it.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #active: SegmentFile;
  #file: DiskFile;
  /** Made and still empty, in order. */
  readonly #ready: SegmentFile[];
  #nextSequence: number;
  #preparing: Promise<void> | undefined;
  /** The active segment's end from which on the next one is made in the background. */
  #prepareFrom: number;
  #backgroundError: Error | undefined;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);

  private constructor(
    options: LogWriterOptions,
    active: SegmentFile,
    file: DiskFile,
    ready: SegmentFile[],
    nextSequence: number,
  ) {
    this.#options = options;
    this.#active = active;
    this.#file = file;
    this.#ready = ready;
    this.#nextSequence = nextSequence;
    this.#prepareFrom = halfOf(active);
  }

  /** Goes on in `active`, or in the first of `ready`, or in a new segment. */
  static async start(
    options: LogWriterOptions,
    found: { readonly active: SegmentFile | undefined; readonly ready: SegmentFile[]; readonly nextSequence: number },
  ): Promise<LogWriter> {
    let { nextSequence } = found;
    const ready = [...found.ready];
    let active = found.active ?? ready.shift();
    active ??= await makeSegment(options, nextSequence++, options.segmentBytes);
    return new LogWriter(options, active, await options.disk.open(active.path, 'durable'), ready, nextSequence);
  }

  /** Everything before this is durable. */
  get position(): LogPosition {
    return { sequence: this.#active.id.sequence, offset: this.#active.end };
  }

  get active(): SegmentFile {
    return this.#active;
  }

  get ready(): readonly SegmentFile[] {
    return this.#ready;
  }

  /**
   * Finds room for blocks and a truncation before them: one frame when they fit into one segment, as they nearly always do.
   * @throws LogStoreError DISK_FULL when a new segment is needed and there is no room for it. Nothing was written then.
   */
  plan(blocks: readonly Block[], truncateTo: Zxid | undefined): WritePlan | Promise<WritePlan> {
    this.#checkBackground();
    if (blocks.length === 0 && truncateTo === undefined) return [];
    let bodyBytes = 0;
    for (const block of blocks) bodyBytes += recordOf(block).byteLength;
    const reserve = blocks.length === 0 ? 0 : CONTROL_RESERVE_BYTES;
    const room = this.#active.id.sizeBytes - this.#active.end - reserve;
    if (frameBytes(bodyBytes) <= room) return [{ segment: this.#active, blocks, bodyBytes, truncateTo }];
    return this.#planInNewSegments(blocks, truncateTo);
  }

  /** Writes the frames, one after the other. Any failure is final: what is durable is unknown after it. */
  async write(plan: WritePlan, written: FrameWritten): Promise<void> {
    for (const group of plan) {
      if (group.segment !== this.#active) await this.switchTo(group.segment);
      const offset = this.#active.end;
      await this.#file.write(this.#encode(group, offset), offset);
      const next = nextFrameAt(offset, group.bodyBytes);
      this.#active.end = next;
      written({ segment: group.segment, offset, next, blocks: group.blocks, truncateTo: group.truncateTo });
    }
    if (this.#active.end >= this.#prepareFrom && this.#ready.length === 0) this.#prepare();
  }

  /** An empty segment that follows on all that was used. It stays ready until `switchTo`. */
  async freshSegment(): Promise<SegmentFile> {
    const [segment] = await this.#acquire([this.#options.segmentBytes]);
    invariant(segment !== undefined, 'no segment was acquired');
    return segment;
  }

  /** Goes on in a segment that is ready; those before it that were passed over are removed. */
  async switchTo(segment: SegmentFile): Promise<void> {
    const file = await this.#options.disk.open(segment.path, 'durable');
    const old = this.#file;
    this.#file = file;
    this.#active = segment;
    this.#prepareFrom = halfOf(segment);
    await old.close();
    let passed = this.#ready.shift();
    while (passed !== undefined && passed !== segment) {
      await this.#options.disk.remove(passed.path);
      passed = this.#ready.shift();
    }
    invariant(passed === segment, 'the log went on in a segment that was not ready');
  }

  async close(): Promise<void> {
    await this.#preparing;
    await this.#file.close();
  }

  async #planInNewSegments(blocks: readonly Block[], truncateTo: Zxid | undefined): Promise<WritePlan> {
    const usable = this.#options.segmentBytes - SEGMENT_HEADER_BYTES - CONTROL_RESERVE_BYTES;
    const groups = splitIntoGroups(blocks, bodyThatFits(usable));
    const segments = await this.#acquire(groups.map((group) => this.#segmentSizeFor(group.bodyBytes)));
    return groups.map((group, at) => ({
      ...group,
      segment: segments[at] as SegmentFile,
      truncateTo: at === 0 ? truncateTo : undefined,
    }));
  }

  /** A block that is larger than a segment gets one of its own size. */
  #segmentSizeFor(bodyBytes: number): number {
    const needed = SEGMENT_HEADER_BYTES + alignUp(frameBytes(bodyBytes), FRAME_HEADER_BYTES) + CONTROL_RESERVE_BYTES;
    return Math.max(this.#options.segmentBytes, needed);
  }

  /** Finds or makes an empty segment for each size, in order. All of them are in `#ready` after it, also when it fails. */
  async #acquire(sizes: readonly number[]): Promise<SegmentFile[]> {
    await this.#preparing;
    this.#checkBackground();
    const acquired: SegmentFile[] = [];
    let at = 0;
    for (const size of sizes) {
      while (at < this.#ready.length && (this.#ready[at] as SegmentFile).id.sizeBytes < size) at += 1;
      if (at === this.#ready.length) this.#ready.push(await makeSegment(this.#options, this.#nextSequence++, size));
      acquired.push(this.#ready[at] as SegmentFile);
      at += 1;
    }
    return acquired;
  }

  #prepare(): void {
    if (this.#preparing !== undefined) return;
    this.#preparing = this.#prepareNext();
  }

  async #prepareNext(): Promise<void> {
    try {
      this.#ready.push(await makeSegment(this.#options, this.#nextSequence++, this.#options.segmentBytes));
    } catch (error) {
      // No room is no failure yet: there is some left in the active segment. Tried again a little later, not with each write.
      if (isDiskFull(error)) {
        this.#prepareFrom = this.#active.end + Math.floor(this.#active.id.sizeBytes / 8);
      } else this.#backgroundError = diskError('making the next segment of the log', error);
    } finally {
      this.#preparing = undefined;
    }
  }

  #checkBackground(): void {
    if (this.#backgroundError !== undefined) throw this.#backgroundError;
  }

  /** One contiguous buffer and one write: copying a group costs less than a vector of many small buffers. */
  #encode(group: Group, offset: number): Uint8Array {
    const size = frameBytes(group.bodyBytes);
    const target = size <= SCRATCH_BYTES ? this.#scratch.subarray(0, size) : new Uint8Array(size);
    encodeFrame(target, group.segment.id, offset, group.blocks.map(recordOf), group.truncateTo);
    return target;
  }
}

function halfOf(segment: SegmentFile): number {
  return Math.floor(segment.id.sizeBytes / 2);
}

async function makeSegment(options: LogWriterOptions, sequence: number, sizeBytes: number): Promise<SegmentFile> {
  const header = { sequence, saltLow: options.random(), saltHigh: options.random(), sizeBytes };
  try {
    return await createSegment(options.disk, options.folder, header);
  } catch (error) {
    throw diskError('making the next segment of the log', error);
  }
}

/** Groups of blocks whose records together fit into `maxBytes`; a block that alone does not is a group of its own. */
function splitIntoGroups(blocks: readonly Block[], maxBytes: number): { blocks: Block[]; bodyBytes: number }[] {
  const groups: { blocks: Block[]; bodyBytes: number }[] = [{ blocks: [], bodyBytes: 0 }];
  for (const block of blocks) {
    const bytes = recordOf(block).byteLength;
    const group = groups.at(-1);
    invariant(group !== undefined, 'there is always a group');
    if (group.blocks.length === 0 || group.bodyBytes + bytes <= maxBytes) {
      group.blocks.push(block);
      group.bodyBytes += bytes;
    } else groups.push({ blocks: [block], bodyBytes: bytes });
  }
  return groups;
}
