import type { Zxid } from '@zkl/consensus';
import { invariant } from './errors.js';
import type { SegmentFile } from './segment-file.js';
import { compareZxid, sameZxid, ZXID_ZERO } from './zxid.js';

/** A stretch of the log's history that stands in one segment without interruption. A truncation ends one. */
export interface Run {
  readonly segment: SegmentFile;
  /** The zxid before its first block. */
  readonly prev: Zxid;
  /** Its last block that still counts: what stands in the file after it was truncated. */
  readonly last: Zxid;
  /** Past its last frame, in the segment's file. */
  readonly end: number;
  /** Frames at intervals, in order; the first is the run's first. */
  readonly index: readonly IndexEntry[];
}

/** A frame and the zxid before its first block. */
export interface IndexEntry {
  readonly prev: Zxid;
  readonly offset: number;
}

interface MutableRun extends Run {
  last: Zxid;
  end: number;
  readonly index: IndexEntry[];
  closed: boolean;
}

/**
 * Where the log's blocks stand: runs in order, each with a sparse index. The files are append-only, truncation included, so the map
 * is what says which of their blocks still belong to the history.
 */
export class LogMap {
  readonly #indexEveryBytes: number;
  #runs: MutableRun[] = [];
  #base: Zxid = ZXID_ZERO;

  constructor(indexEveryBytes: number) {
    this.#indexEveryBytes = indexEveryBytes;
  }

  /** Blocks after this zxid are here; what was up to it is gone or never was. */
  get base(): Zxid {
    return this.#base;
  }

  get last(): Zxid {
    return this.#runs.at(-1)?.last ?? this.#base;
  }

  get runs(): readonly Run[] {
    return this.#runs;
  }

  /** Forgets everything: the log is empty and goes on from `base`. */
  reset(base: Zxid): void {
    this.#runs = [];
    this.#base = base;
  }

  /** A frame with blocks was added to the log: it begins after `prev` and ends with `last`. */
  append(segment: SegmentFile, offset: number, next: number, prev: Zxid, last: Zxid): void {
    invariant(sameZxid(prev, this.last), 'a frame does not follow on the log');
    let run = this.#runs.at(-1);
    if (run === undefined || run.closed || run.segment !== segment) {
      run = { segment, prev, last, end: next, index: [{ prev, offset }], closed: false };
      this.#runs.push(run);
      return;
    }
    run.last = last;
    run.end = next;
    if (offset - (run.index.at(-1)?.offset ?? 0) >= this.#indexEveryBytes) run.index.push({ prev, offset });
  }

  /** Blocks after `to` no longer belong to the log. */
  truncate(to: Zxid): void {
    while (this.#runs.length > 0 && compareZxid((this.#runs.at(-1) as Run).prev, to) >= 0) this.#runs.pop();
    const run = this.#runs.at(-1);
    if (run === undefined) {
      this.#base = to;
      return;
    }
    run.closed = true;
    if (compareZxid(run.last, to) <= 0) return;
    run.last = to;
    while (run.index.length > 1 && compareZxid((run.index.at(-1) as IndexEntry).prev, to) >= 0) run.index.pop();
  }

  /** The run that holds the first block that ends after `after`, and where to start looking in it; undefined at the log's end. */
  locate(after: Zxid): { readonly at: number; readonly offset: number } | undefined {
    const at = firstIndex(this.#runs, (run) => compareZxid(run.last, after) > 0);
    const run = this.#runs[at];
    if (run === undefined) return undefined;
    const entry = firstIndex(run.index, (candidate) => compareZxid(candidate.prev, after) > 0) - 1;
    return { at, offset: (run.index[Math.max(entry, 0)] as IndexEntry).offset };
  }

  /** Bytes of frames after `zxid`, to the precision of the index. */
  bytesAfter(zxid: Zxid): number {
    const found = this.locate(zxid);
    if (found === undefined) return 0;
    let bytes = 0;
    for (let at = found.at; at < this.#runs.length; at += 1) {
      const run = this.#runs[at] as Run;
      bytes += run.end - (at === found.at ? found.offset : (run.index[0] as IndexEntry).offset);
    }
    return bytes;
  }

  /** The segment's file is about to go: the log begins after its last block. */
  dropSegment(segment: SegmentFile): void {
    while (this.#runs[0]?.segment === segment) {
      this.#base = (this.#runs[0] as Run).last;
      this.#runs.shift();
    }
    invariant(!this.#runs.some((run) => run.segment === segment), 'a segment was dropped out of order');
  }

  /** The last zxid that still stands in this segment, or undefined when nothing in it counts. */
  lastIn(segment: SegmentFile): Zxid | undefined {
    return this.#runs.findLast((run) => run.segment === segment)?.last;
  }
}

/** The index of the first item for which `test` holds; the items' length when there is none. `test` is false, then true. */
export function firstIndex<T>(items: readonly T[], test: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
