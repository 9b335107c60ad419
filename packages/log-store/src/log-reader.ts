import type { Block, LogRead, Zxid } from '@zkl/consensus';
import type { Disk, DiskFile } from './disk.js';
import { LogStoreError, systemCodeOf } from './errors.js';
import { FRAME_HEADER_BYTES } from './format.js';
import { nextFrameAt, readFrameBody, readFrameHeader } from './frame.js';
import type { LogMap, Run } from './log-map.js';
import { RECORD_HEADER_BYTES } from './format.js';
import { endOf, endsAfter, follows, prevOf } from './zxid.js';

const WINDOW_BYTES_MIN = 65_536;
const WINDOW_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads blocks that follow on `after` from the files. `after` is at or after the map's base, and before its last block.
 * Everything is checked on the way.
 * @throws LogStoreError LOG_DAMAGED when a frame that was readable before is not any more.
 */
export async function readFromDisk(disk: Disk, map: LogMap, after: Zxid, maxBytes: number): Promise<LogRead> {
  const found = map.locate(after);
  if (found === undefined) return { kind: 'blocks', blocks: [] };
  // The map may change while files are read; a copy of the runs as they are now gives one consistent answer.
  const runs = map.runs.slice(found.at).map((run) => ({ ...run, index: run.index.slice(0, 1) }));
  const collected: Block[] = [];
  let offset = found.offset;
  let bytes = 0;
  for (const run of runs) {
    for await (const block of blocksOf(disk, run, offset, maxBytes)) {
      if (!endsAfter(block, after)) continue;
      const previous = collected.at(-1);
      if (previous === undefined && !follows(block, after)) return { kind: 'diverged', at: prevOf(block) };
      if (previous !== undefined && !follows(block, endOf(previous)))
        throw damaged(run, offset, 'its blocks are not linked');
      bytes += RECORD_HEADER_BYTES + block.payload.byteLength;
      if (previous !== undefined && bytes > maxBytes) return { kind: 'blocks', blocks: collected };
      collected.push(block);
      if (bytes >= maxBytes) return { kind: 'blocks', blocks: collected };
    }
    offset = runs[runs.indexOf(run) + 1]?.index[0]?.offset ?? 0;
  }
  return { kind: 'blocks', blocks: collected };
}

/** The blocks of one run from a frame on, up to the last that still belongs to the history. */
async function* blocksOf(disk: Disk, run: Run, from: number, maxBytes: number): AsyncGenerator<Block, void> {
  const window = new Window(run, await disk.open(run.segment.path, 'read'), maxBytes);
  try {
    let offset = from;
    while (offset < run.end) {
      const head = await window.at(offset, FRAME_HEADER_BYTES);
      const header = readFrameHeader(head.bytes, head.at, run.segment.id, offset);
      if (header === undefined || header === 'elsewhere') throw damaged(run, offset, 'its frame header is wrong');
      const next = nextFrameAt(offset, header.bodyBytes);
      const frame = await window.at(offset, FRAME_HEADER_BYTES + header.bodyBytes);
      const body = readFrameBody(frame.bytes, frame.at, header);
      if (body.fault !== undefined) throw damaged(run, offset, body.fault);
      for (const block of body.blocks) {
        if (endsAfter(block, run.last)) return;
        yield block;
      }
      offset = next;
    }
  } finally {
    await window.close();
  }
}

/** A stretch of a file in memory that moves forward. Each is a buffer of its own: blocks are views on it. */
class Window {
  readonly #run: Run;
  readonly #file: DiskFile;
  readonly #size: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(run: Run, file: DiskFile, wantedBytes: number) {
    this.#run = run;
    this.#file = file;
    this.#size = Math.min(Math.max(wantedBytes + FRAME_HEADER_BYTES, WINDOW_BYTES_MIN), WINDOW_BYTES_MAX);
  }

  /** The bytes from `offset` on, at least `length` of them. */
  async at(offset: number, length: number): Promise<{ bytes: Uint8Array; at: number }> {
    const have = this.#start <= offset && offset + length <= this.#start + this.#bytes.byteLength;
    if (!have) await this.#load(offset, length);
    return { bytes: this.#bytes, at: offset - this.#start };
  }

  async #load(offset: number, length: number): Promise<void> {
    if (offset + length > this.#run.end) throw damaged(this.#run, offset, 'its length is wrong');
    const bytes = new Uint8Array(Math.min(Math.max(this.#size, length), this.#run.end - offset));
    const count = await this.#read(bytes, offset);
    if (count < length) throw damaged(this.#run, offset, 'the file is cut short');
    this.#bytes = bytes;
    this.#start = offset;
  }

  async #read(bytes: Uint8Array, offset: number): Promise<number> {
    try {
      return await this.#file.read(bytes, offset);
    } catch (error) {
      if (systemCodeOf(error) === 'EIO') throw damaged(this.#run, offset, 'the disk cannot read it', error);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function damaged(run: Run, offset: number, why: string, cause?: unknown): LogStoreError {
  return new LogStoreError(
    'LOG_DAMAGED',
    `The log ${run.segment.path} is damaged at offset ${offset}: ${why}. Restart the server: it is repaired from the others.`,
    { cause },
  );
}
