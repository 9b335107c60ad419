import type { Zxid } from '@zkl/consensus';
import type { Disk } from './disk.js';
import { diskError } from './errors.js';
import { snapshotName, TEMPORARY_SUFFIX } from './format.js';
import type { LogPosition } from './segment-file.js';
import { readSnapshotInfo, type SnapshotInfo, verifySnapshot } from './snapshot-file.js';
import type { SnapshotFooter, SnapshotHeader } from './snapshot-format.js';
import { SnapshotWriter } from './snapshot-writer.js';
import { compareZxid } from './zxid.js';

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A snapshot that is written and durable, but has no name yet. */
export interface PendingSnapshot {
  readonly info: SnapshotInfo;
  readonly temporary: string;
}

/** The snapshots of a folder: writing them beside the others, naming them, removing them. */
export class SnapshotShelf {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #random: () => number;
  /** Newest first. */
  #snapshots: readonly SnapshotInfo[];
  #written = 0;

  constructor(disk: Disk, folder: string, random: () => number, found: readonly SnapshotInfo[]) {
    this.#disk = disk;
    this.#folder = folder;
    this.#random = random;
    this.#snapshots = found;
  }

  get all(): readonly SnapshotInfo[] {
    return this.#snapshots;
  }

  get newest(): SnapshotInfo | undefined {
    return this.#snapshots[0];
  }

  get sizeBytes(): number {
    return this.#snapshots.reduce((sum, info) => sum + info.fileBytes, 0);
  }

  /**
   * Writes a snapshot under a temporary name. `end` is asked for once all chunks are written; `check` after each chunk, and may throw.
   * Errors of `chunks` pass as they are, the disk's are typed; the temporary file is removed in both cases.
   */
  async write(
    zxid: Zxid,
    chunks: Chunks,
    check: () => void,
    end: () => Promise<{ origin: SnapshotFooter['origin']; position: LogPosition }>,
  ): Promise<PendingSnapshot> {
    const header: SnapshotHeader = { zxid, saltLow: this.#random(), saltHigh: this.#random() };
    this.#written += 1;
    // Numbered: one may be saved while another of the same zxid is being installed.
    const temporary = `${this.#folder}/${snapshotName(zxid)}.${this.#written}${TEMPORARY_SUFFIX}`;
    try {
      const footer = await this.#writeFile(temporary, header, chunks, check, end);
      return { temporary, info: await this.#infoOf(temporary, header, footer) };
    } catch (error) {
      await this.#disk.remove(temporary).catch(() => undefined);
      throw error;
    }
  }

  async #writeFile(
    path: string,
    header: SnapshotHeader,
    chunks: Chunks,
    check: () => void,
    end: () => Promise<{ origin: SnapshotFooter['origin']; position: LogPosition }>,
  ): Promise<SnapshotFooter> {
    const file = await typed(this.#disk.open(path, 'create'));
    try {
      const writer = await typed(SnapshotWriter.begin(file, header));
      for await (const chunk of chunks) {
        check();
        await typed(writer.add(chunk));
      }
      check();
      return await typed(writer.finish(await end()));
    } finally {
      await typed(file.close());
    }
  }

  async #infoOf(temporary: string, header: SnapshotHeader, footer: SnapshotFooter): Promise<SnapshotInfo> {
    const written = await typed(readSnapshotInfo(this.#disk, temporary, header.zxid));
    return { ...written, ...footer, path: `${this.#folder}/${snapshotName(header.zxid)}` };
  }

  /** Reads a pending snapshot back. @throws LogStoreError SNAPSHOT_DAMAGED. */
  verify(pending: PendingSnapshot): Promise<void> {
    return verifySnapshot(this.#disk, { ...pending.info, path: pending.temporary });
  }

  discard(pending: PendingSnapshot): Promise<void> {
    return this.#disk.remove(pending.temporary);
  }

  /** Gives it its name: from here on it counts, also after a crash. */
  async publish(pending: PendingSnapshot): Promise<void> {
    await this.#disk.rename(pending.temporary, pending.info.path);
    await this.#disk.syncFolder(this.#folder);
    this.#snapshots = [pending.info, ...this.#snapshots.filter(({ path }) => path !== pending.info.path)].sort((a, b) =>
      compareZxid(b.zxid, a.zxid),
    );
  }

  /** Removes all for which `test` holds, durably. */
  async removeWhere(test: (info: SnapshotInfo, rank: number) => boolean): Promise<void> {
    const gone = this.#snapshots.filter(test);
    if (gone.length === 0) return;
    this.#snapshots = this.#snapshots.filter((info) => !gone.includes(info));
    for (const { path } of gone) await this.#disk.remove(path);
    await this.#disk.syncFolder(this.#folder);
  }
}

async function typed<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskError('writing a snapshot', error);
  }
}
