import type { DiskFile } from './disk.js';
import { SNAPSHOT_BLOCK_BYTES, SNAPSHOT_BLOCK_HEADER_BYTES, SNAPSHOT_HEADER_BYTES } from './format.js';
import {
  encodeSnapshotBlock,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  type SnapshotFooter,
  type SnapshotHeader,
} from './snapshot-format.js';

/** Chunks below this are gathered before they are written. */
const GATHER_BYTES = 4096;
/** A sync now and then, so that the last one is short and the log's own writes hardly wait behind it: each waits for about as long as this takes the disk. */
const SYNC_EVERY_BYTES = 1024 * 1024;

/** Writes the file of one snapshot, in order. The caller renames it once `finish` has resolved. */
export class SnapshotWriter {
  readonly #file: DiskFile;
  readonly #header: SnapshotHeader;
  #at = SNAPSHOT_HEADER_BYTES;
  #blocks = 0;
  #stateBytes = 0;
  #unsynced = 0;
  #small: Uint8Array[] = [];
  #smallBytes = 0;
  /** Where blocks are put together; used again once they are written. */
  #target = new Uint8Array(0);

  private constructor(file: DiskFile, header: SnapshotHeader) {
    this.#file = file;
    this.#header = header;
  }

  /** Takes over `file`, which is new and empty. */
  static async begin(file: DiskFile, header: SnapshotHeader): Promise<SnapshotWriter> {
    await file.write(encodeSnapshotHeader(header), 0);
    return new SnapshotWriter(file, header);
  }

  /**
   * Adds a chunk of any length; it is not kept after the promise resolves. Larger chunks are written before it resolves: so a
   * state machine that works a millisecond per chunk leaves the event loop free in between.
   */
  async add(chunk: Uint8Array): Promise<void> {
    if (chunk.byteLength === 0) return;
    this.#small.push(chunk.byteLength < GATHER_BYTES ? chunk.slice() : chunk);
    this.#smallBytes += chunk.byteLength;
    if (chunk.byteLength >= GATHER_BYTES || this.#smallBytes >= SNAPSHOT_BLOCK_BYTES) await this.#flush();
  }

  /** Writes the footer and makes the file durable. */
  async finish(end: Pick<SnapshotFooter, 'origin' | 'position'>): Promise<SnapshotFooter> {
    await this.#flush();
    const footer: SnapshotFooter = { ...end, stateBytes: this.#stateBytes, blocks: this.#blocks };
    await this.#file.write(encodeSnapshotFooter(this.#header, footer), this.#at);
    await this.#file.sync();
    return footer;
  }

  async #flush(): Promise<void> {
    if (this.#smallBytes === 0) return;
    const data =
      this.#small.length === 1 ? (this.#small[0] as Uint8Array) : Buffer.concat(this.#small, this.#smallBytes);
    this.#small = [];
    this.#smallBytes = 0;
    await this.#writeBlocks(data);
  }

  async #writeBlocks(data: Uint8Array): Promise<void> {
    const count = Math.ceil(data.byteLength / SNAPSHOT_BLOCK_BYTES);
    const length = data.byteLength + count * SNAPSHOT_BLOCK_HEADER_BYTES;
    if (this.#target.byteLength < length) this.#target = new Uint8Array(length);
    const bytes = this.#target.subarray(0, length);
    let at = 0;
    for (let from = 0; from < data.byteLength; from += SNAPSHOT_BLOCK_BYTES) {
      const part = data.subarray(from, from + SNAPSHOT_BLOCK_BYTES);
      const end = at + SNAPSHOT_BLOCK_HEADER_BYTES + part.byteLength;
      encodeSnapshotBlock(bytes.subarray(at, end), this.#header, this.#blocks, part);
      this.#blocks += 1;
      at = end;
    }
    await this.#file.write(bytes, this.#at);
    this.#at += bytes.byteLength;
    this.#stateBytes += data.byteLength;
    this.#unsynced += bytes.byteLength;
    if (this.#unsynced < SYNC_EVERY_BYTES) return;
    this.#unsynced = 0;
    await this.#file.sync();
  }
}
