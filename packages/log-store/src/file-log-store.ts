import type { Block, LogRead, LogStore, LogWrite, RecoveredLog, SnapshotReader, Zxid } from '@zkl/consensus';
import { clearDamage } from './damage-file.js';
import { EntryCache } from './entry-cache.js';
import { diskError, invariant, isDiskFull, LogStoreError } from './errors.js';
import { HardStateFile } from './hard-state-file.js';
import { LogMap } from './log-map.js';
import { readFromDisk } from './log-reader.js';
import { LogWriter, type WritePlan } from './log-writer.js';
import { Mutex } from './mutex.js';
import { type FileLogStoreOptions, settingsOf, type StoreSettings } from './options.js';
import { recoverFolder, type Recovery } from './recovery.js';
import type { SegmentFile } from './segment-file.js';
import { openSnapshotFile } from './snapshot-file.js';
import { SnapshotShelf } from './snapshot-shelf.js';
import { type Survey, surveyFolder } from './survey.js';
import { compareZxid, endOf, follows, maxZxid, minZxid, sameZxid, ZXID_ZERO } from './zxid.js';

/** What exists only while the store is open. */
interface Parts {
  readonly writer: LogWriter;
  readonly hardState: HardStateFile;
  readonly shelf: SnapshotShelf;
}

/**
 * The log of one server in files. docs/data-format.md tells the layout and the rules of recovery.
 *
 * Durability: `write` resolves when all of it is durable. Blocks alone are exactly one write to a file opened with O_DSYNC.
 *
 * Errors: DISK_FULL rejects a `write` that needs a new segment, before anything of it is written; it may be tried again, and
 * truncations and hard states still succeed. Every other error of the disk is DISK_FAILED, and the store takes no further writes:
 * what is durable is unknown then, and trying again would only make it look well.
 */
export class FileLogStore implements LogStore {
  readonly #settings: StoreSettings;
  readonly #map: LogMap;
  readonly #cache: EntryCache;
  /** Guards what renames and removes files. */
  readonly #files = new Mutex();
  /** Those that hold log, in order; the active one is the last. */
  #segments: SegmentFile[] = [];
  #parts: Parts | undefined;
  #closed = false;
  #failure: Error | undefined;
  #isDamaged = false;
  #isWriting = false;
  /** Changes when blocks leave the log: a read that ran meanwhile is done again. */
  #generation = 0;
  #saving: { readonly zxid: Zxid; overtaken: boolean } | undefined;

  constructor(options: FileLogStoreOptions) {
    this.#settings = settingsOf(options);
    this.#map = new LogMap(this.#settings.indexEveryBytes);
    this.#cache = new EntryCache(this.#settings.cacheBytes);
  }

  async open(): Promise<RecoveredLog> {
    invariant(this.#parts === undefined && !this.#closed, 'open is called once');
    try {
      return await this.#recover();
    } catch (error) {
      throw diskError('opening the data folder', error);
    }
  }

  async #recover(): Promise<RecoveredLog> {
    const { disk, folder, random, onNotice } = this.#settings;
    await disk.makeFolder(folder);
    const cache = this.#cache;
    const survey = await surveyFolder(disk, folder, this.#map, {
      onBlock: (block) => cache.push(block),
      onTruncate: (to) => cache.truncate(to),
    });
    const recovery = await recoverFolder(disk, folder, survey, this.#map);
    if (this.#map.runs.length === 0) cache.clear();
    const writer = await LogWriter.start(this.#settings, recovery);
    const hardState = await HardStateFile.open(disk, folder, recovery.hardState);
    const shelf = new SnapshotShelf(disk, folder, random, survey.snapshots);
    this.#parts = { writer, hardState, shelf };
    this.#segments = recovery.segments.filter((segment) => segment !== writer.active);
    this.#segments.push(writer.active);
    this.#isDamaged = recovery.damage !== undefined;
    await this.#settle(this.#parts, recovery);
    for (const notice of recovery.notices) onNotice(notice);
    return this.#report(survey, recovery);
  }

  /** What needs a log that can be written: whole blocks of a broken frame, the mark, and what is obsolete. */
  async #settle({ writer, hardState }: Parts, recovery: Recovery): Promise<void> {
    const { disk, folder } = this.#settings;
    const [first] = recovery.salvaged;
    if (first !== undefined && follows(first, this.#map.last))
      await this.#append(writer, await writer.plan(recovery.salvaged, undefined));
    if (recovery.markIsVoid) await hardState.write(recovery.hardState, writer.position);
    for (const name of recovery.obsolete) {
      await disk.remove(`${folder}/${name}`);
      await disk.syncFolder(folder);
    }
  }

  #report(survey: Survey, recovery: Recovery): RecoveredLog {
    const { acceptedEpoch, currentEpoch } = recovery.hardState;
    const snapshotZxid = survey.snapshots[0]?.zxid;
    const committed = maxZxid(survey.log.committed, snapshotZxid ?? ZXID_ZERO);
    return {
      hardState: { acceptedEpoch, currentEpoch },
      lastZxid: this.#map.last,
      firstZxid: this.#map.base,
      snapshotZxid,
      committedZxid: minZxid(committed, this.#map.last),
      damage: recovery.damage,
    };
  }

  async write(write: LogWrite): Promise<void> {
    const parts = this.#running();
    invariant(!this.#isWriting, 'calls of write do not overlap');
    this.#isWriting = true;
    try {
      const truncateTo = await this.#checkTruncation(write.truncateTo);
      this.#checkChain(write.blocks, truncateTo ?? this.#map.last);
      let plan = this.#plan(parts.writer, write.blocks, truncateTo);
      if (plan instanceof Promise) plan = await plan;
      await this.#fatal('writing the log', () => this.#commit(parts, plan, write, truncateTo));
    } finally {
      this.#isWriting = false;
    }
  }

  /** Room for the write. A full disk shows here, before anything is written. */
  #plan(writer: LogWriter, blocks: readonly Block[], truncateTo: Zxid | undefined): WritePlan | Promise<WritePlan> {
    const noted = (error: unknown): never => {
      const typed = diskError('finding room for the log', error);
      if (!isDiskFull(typed)) this.#failure ??= typed;
      throw typed;
    };
    try {
      const plan = writer.plan(blocks, truncateTo);
      return plan instanceof Promise ? plan.catch(noted) : plan;
    } catch (error) {
      return noted(error);
    }
  }

  async #commit(parts: Parts, plan: WritePlan, write: LogWrite, truncateTo: Zxid | undefined): Promise<void> {
    if (plan.length > 0) await this.#append(parts.writer, plan);
    if (truncateTo !== undefined) {
      // The truncation is in the log by now. A crash before the files are gone is no harm: recovery sees that they are older than it.
      if (this.#saving !== undefined && compareZxid(this.#saving.zxid, truncateTo) > 0) this.#saving.overtaken = true;
      await this.#files.run(() => parts.shelf.removeWhere((info) => compareZxid(info.zxid, truncateTo) > 0));
    }
    if (write.hardState !== undefined) await parts.hardState.write(write.hardState, parts.writer.position);
    if (write.repaired === true) await this.#forgetDamage();
  }

  #append(writer: LogWriter, plan: WritePlan): Promise<void> {
    return writer.write(plan, ({ segment, offset, next, blocks, truncateTo }) => {
      if (this.#segments.at(-1) !== segment) this.#segments.push(segment);
      if (truncateTo !== undefined) {
        this.#map.truncate(truncateTo);
        this.#cache.truncate(truncateTo);
        this.#generation += 1;
      }
      const last = blocks.at(-1);
      if (last === undefined) return;
      this.#map.append(segment, offset, next, this.#map.last, endOf(last));
      for (const block of blocks) this.#cache.push(block);
    });
  }

  /** Nothing to do when the log ends there; otherwise it must be the end of a block. */
  async #checkTruncation(to: Zxid | undefined): Promise<Zxid | undefined> {
    if (to === undefined || sameZxid(to, this.#map.last)) return undefined;
    const answer = await this.read(to, 1);
    invariant(answer.kind === 'blocks', 'the log is truncated at no end of a block');
    return to;
  }

  #checkChain(blocks: readonly Block[], from: Zxid): void {
    let last = from;
    for (const block of blocks) {
      invariant(follows(block, last), 'a block does not follow on the one before it');
      last = endOf(block);
    }
  }

  async #forgetDamage(): Promise<void> {
    if (!this.#isDamaged) return;
    await clearDamage(this.#settings.disk, this.#settings.folder);
    this.#isDamaged = false;
  }

  async read(after: Zxid, maxBytes: number): Promise<LogRead> {
    for (;;) {
      invariant(this.#parts !== undefined, 'the store is open');
      const answer = this.#readFromMemory(after, maxBytes);
      if (answer !== undefined) return answer;
      const generation = this.#generation;
      try {
        const read = await readFromDisk(this.#settings.disk, this.#map, after, maxBytes);
        if (generation === this.#generation) return read;
      } catch (error) {
        // Files vanish when the log is purged or replaced while they are read: then the question is asked anew.
        if (generation === this.#generation) throw diskError('reading the log', error);
      }
    }
  }

  #readFromMemory(after: Zxid, maxBytes: number): LogRead | undefined {
    if (compareZxid(after, this.#map.base) < 0) return { kind: 'gone' };
    const beyond = compareZxid(after, this.#map.last);
    if (beyond === 0) return { kind: 'blocks', blocks: [] };
    if (beyond > 0) return { kind: 'diverged', at: this.#map.last };
    return this.#cache.read(after, maxBytes);
  }

  /** Rejects with SNAPSHOT_OVERTAKEN when the log is cut before it or replaced meanwhile; with DISK_FULL, which leaves all as it was. */
  async saveSnapshot(zxid: Zxid, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const { shelf, writer } = this.#running();
    invariant(this.#saving === undefined, 'one snapshot is saved at a time');
    const newest = shelf.newest?.zxid;
    if (newest !== undefined && sameZxid(newest, zxid)) return;
    const saving = { zxid, overtaken: newest !== undefined && compareZxid(newest, zxid) > 0 };
    const check = (): void => {
      if (saving.overtaken) throw overtaken();
    };
    this.#saving = saving;
    try {
      check();
      const position = writer.position;
      const pending = await this.#noted(
        shelf.write(zxid, chunks, check, () => Promise.resolve({ origin: 'saved', position })),
      );
      await this.#files.run(async () => {
        if (saving.overtaken) return shelf.discard(pending);
        await this.#fatal('naming a snapshot', () => shelf.publish(pending));
        // Overtaken while it got its name: the truncation did not see it on the shelf.
        if (saving.overtaken) await shelf.removeWhere((info) => info === pending.info);
        else await this.#fatal('purging the log', () => this.#purge(shelf));
      });
      check();
    } finally {
      this.#saving = undefined;
    }
  }

  /** Removes snapshots beyond the number to keep, then segments that nothing needs any more, the oldest first. */
  async #purge(shelf: SnapshotShelf): Promise<void> {
    const { disk, folder, snapshotsKept, logRetainedBytes } = this.#settings;
    await shelf.removeWhere((_, rank) => rank >= snapshotsKept);
    const newest = shelf.newest?.zxid;
    const oldest = shelf.all.at(-1)?.zxid;
    if (newest === undefined || oldest === undefined) return;
    while (this.#segments.length > 1) {
      const segment = this.#segments[0] as SegmentFile;
      const last = this.#map.lastIn(segment);
      if (last !== undefined && compareZxid(last, oldest) > 0) return;
      if (last !== undefined && this.#map.bytesAfter(last) - this.#map.bytesAfter(newest) < logRetainedBytes) return;
      this.#segments.shift();
      this.#map.dropSegment(segment);
      this.#generation += 1;
      await disk.remove(segment.path);
      // One by one: were two removals to be lost in another order, the log would have a hole.
      await disk.syncFolder(folder);
    }
  }

  async openSnapshot(): Promise<SnapshotReader | undefined> {
    const newest = this.#running().shelf.newest;
    if (newest === undefined) return undefined;
    // Behind what removes files: the newest stays until it is open.
    return this.#files.run(() => openSnapshotFile(this.#settings.disk, newest));
  }

  async installSnapshot(zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts = this.#running();
    let fresh: SegmentFile | undefined;
    let isHeld = false;
    const end = async (): Promise<{ origin: 'installed'; position: { sequence: number; offset: number } }> => {
      invariant(!this.#isWriting, 'a snapshot is not installed while a write is under way');
      this.#isWriting = true;
      isHeld = true;
      fresh = await parts.writer.freshSegment();
      return { origin: 'installed', position: { sequence: fresh.id.sequence, offset: 0 } };
    };
    try {
      const pending = await this.#noted(parts.shelf.write(zxid, chunks, () => undefined, end));
      await parts.shelf.verify(pending).catch(async (error: unknown) => {
        await parts.shelf.discard(pending);
        throw error;
      });
      await this.#files.run(() =>
        this.#fatal('installing a snapshot', () => this.#replaceBy(parts, pending, fresh as SegmentFile)),
      );
    } finally {
      if (isHeld) this.#isWriting = false;
    }
  }

  /** Publishing is the moment at which the snapshot takes the place of everything: a crash after it is completed by recovery. */
  async #replaceBy(parts: Parts, pending: Parameters<SnapshotShelf['publish']>[0], fresh: SegmentFile): Promise<void> {
    const { disk, folder } = this.#settings;
    await parts.shelf.publish(pending);
    if (this.#saving !== undefined) this.#saving.overtaken = true;
    const old = this.#segments;
    this.#map.reset(pending.info.zxid);
    this.#cache.clear();
    this.#generation += 1;
    this.#segments = [fresh];
    await parts.writer.switchTo(fresh);
    for (const { path } of old) await disk.remove(path);
    await parts.shelf.removeWhere((info) => info !== pending.info);
    await disk.syncFolder(folder);
    // Damage is not forgotten here: blocks behind the snapshot that were acknowledged may still be missing (simulation, seed 16). They are there once
    // the epoch's history has come whole, and then `write` says so.
  }

  get bytesSinceSnapshot(): number {
    const newest = this.#parts?.shelf.newest?.zxid;
    return this.#map.bytesAfter(newest === undefined ? this.#map.base : maxZxid(newest, this.#map.base));
  }

  get sizeBytes(): number {
    const files = [...this.#segments, ...(this.#parts?.writer.ready ?? [])];
    return files.reduce((sum, segment) => sum + segment.sizeBytes, this.#parts?.shelf.sizeBytes ?? 0);
  }

  /** A write under way is waited for by the caller; a snapshot that is being saved is given up. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#saving !== undefined) this.#saving.overtaken = true;
    try {
      await this.#files.run(() => Promise.resolve());
      await this.#parts?.writer.close();
      await this.#parts?.hardState.close();
    } finally {
      await this.#settings.release();
    }
  }

  #running(): Parts {
    if (this.#closed) throw new LogStoreError('STORE_CLOSED', 'The log store is closed.');
    if (this.#failure !== undefined) throw this.#failure;
    invariant(this.#parts !== undefined, 'the store is opened first');
    return this.#parts;
  }

  /** Runs what must not fail halfway: if it does, the store is done for. */
  async #fatal(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const typed = diskError(doing, error);
      const half = `The disk took only part of what it had room for while ${doing}: free some space, then start the server again.`;
      this.#failure ??= isDiskFull(typed) ? new LogStoreError('DISK_FAILED', half, { cause: error }) : typed;
      throw this.#failure;
    }
  }

  /** Remembers a failure of the disk, and passes every error on. */
  async #noted<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof LogStoreError && error.code === 'DISK_FAILED') this.#failure ??= error;
      throw error;
    }
  }
}

function overtaken(): LogStoreError {
  return new LogStoreError(
    'SNAPSHOT_OVERTAKEN',
    'The snapshot was given up: the log was cut before it or replaced meanwhile.',
  );
}
