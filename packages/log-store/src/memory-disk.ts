import type { Disk, DiskFile, OpenMode } from './disk.js';
import { type CrashFate, MemoryFile } from './memory-file.js';

export type DiskOperationKind =
  | 'open'
  | 'list'
  | 'makeFolder'
  | 'rename'
  | 'remove'
  | 'syncFolder'
  | 'size'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'close';

export interface DiskOperation {
  readonly kind: DiskOperationKind;
  readonly path: string;
  /** For reads and writes. */
  readonly position?: number;
  readonly bytes?: number;
}

export interface MemoryDiskOptions {
  /** When an operation completes: it must call `run` once, later or at once. Default: in a microtask. This is where latency comes from. */
  readonly schedule?: ((operation: DiskOperation, run: () => void) => void) | undefined;
  /**
   * Asked before each operation takes effect: a code (EIO, ENOSPC, ...) makes it fail with that. A write that fails is seen all the same, because it is in the
   * system's cache, and may or may not be found after a crash; what a failed sync should have made durable never is made so by a later one.
   */
  readonly fault?: ((operation: DiskOperation) => string | undefined) | undefined;
  /** Room for files, in bytes; beyond it writes fail with ENOSPC. Default: without bound. */
  readonly capacityBytes?: number | undefined;
}

/**
 * A disk in memory that forgets what was not synced, for simulations and crash tests. It is the device: `attach` gives a process's
 * view of it, and `crash` ends all views; what they still wait for never settles, as for a process that is gone. Deterministic: it
 * uses no clock and no randomness but what it is given.
 */
export class MemoryDisk {
  readonly #options: MemoryDiskOptions;
  #names = new Map<string, MemoryFile>();
  #durableNames = new Map<string, MemoryFile>();
  #changes: NameChange[] = [];
  #folders = new Set<string>(['']);
  #capacityBytes: number;
  #life = 0;

  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options;
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  /** A process's view of the disk, until the next crash. */
  attach(): Disk {
    const life = this.#life;
    const run = <T>(operation: DiskOperation, work: () => T, fail?: () => void): Promise<T> =>
      this.#run(life, operation, work, fail);
    return {
      open: (path, mode) => run({ kind: 'open', path }, () => this.#open(path, mode, run, () => life === this.#life)),
      list: (folder) => run({ kind: 'list', path: folder }, () => this.#list(folder)),
      makeFolder: (folder) => run({ kind: 'makeFolder', path: folder }, () => this.#makeFolder(folder)),
      rename: (from, to) => run({ kind: 'rename', path: from }, () => this.#rename(from, to)),
      remove: (path) => run({ kind: 'remove', path }, () => this.#remove(path)),
      syncFolder: (folder) => run({ kind: 'syncFolder', path: folder }, () => this.#syncFolder(folder)),
    };
  }

  /**
   * Loses power. What was synced stays. Of the rest `random` (a number from 0 to below 1, like Math.random) decides what is found: names
   * up to some change; of each write nothing, all, any of its sectors, or its bytes up to some point.
   */
  crash(random: () => number): void {
    this.#life += 1;
    const kept = Math.floor(random() * (this.#changes.length + 1));
    for (const change of this.#changes.slice(0, kept)) applyTo(this.#durableNames, change);
    this.#changes = [];
    this.#names = new Map(this.#durableNames);
    for (const file of new Set(this.#names.values())) file.crash(random);
  }

  /** Loses power while a write to `path` is under way, as `fate` says. Nothing is drawn: for trying every place. */
  crashAt(path: string, fate: CrashFate): void {
    this.#life += 1;
    const kept = fate.keepsUnsynced ? this.#changes : [];
    const hit = this.#names.get(path);
    for (const change of kept) applyTo(this.#durableNames, change);
    this.#changes = [];
    this.#names = new Map(this.#durableNames);
    for (const file of new Set(this.#names.values())) file.crashAt(fate, file === hit);
  }

  /**
   * The processes die, but the operating system lives: everything written is kept, durable or not. Of a write under way `random` decides whether it got
   * as far as the system's cache: then it is seen, and not durable. Without it none did.
   */
  kill(random?: () => number): void {
    this.#life += 1;
    for (const file of this.#names.values()) file.kill(random);
  }

  /** A copy of the disk as it is now, unsynced parts included, with the same options. */
  fork(options: MemoryDiskOptions = this.#options): MemoryDisk {
    const copy = new MemoryDisk(options);
    const files = new Map<MemoryFile, MemoryFile>();
    const copyOf = (file: MemoryFile): MemoryFile => {
      const known = files.get(file) ?? file.fork();
      files.set(file, known);
      return known;
    };
    copy.#names = new Map([...this.#names].map(([path, file]) => [path, copyOf(file)]));
    copy.#durableNames = new Map([...this.#durableNames].map(([path, file]) => [path, copyOf(file)]));
    copy.#folders = new Set(this.#folders);
    copy.#changes = this.#changes.map((change) => ({ ...change, file: change.file && copyOf(change.file) }));
    return copy;
  }

  /** Paths of all files. */
  get files(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  /** What a reader would find in the file; a copy. */
  contents(path: string): Uint8Array {
    return this.#need(path).contents();
  }

  /** Replaces a file's contents, durably; undefined removes it. */
  plant(path: string, contents: Uint8Array | undefined): void {
    for (const names of [this.#names, this.#durableNames]) names.delete(path);
    if (contents === undefined) return;
    const file = MemoryFile.of(contents);
    this.#addFolders(folderOf(path));
    for (const names of [this.#names, this.#durableNames]) names.set(path, file);
  }

  /** Flips one bit (0 .. 7) of a byte, durably: rot. */
  flipBit(path: string, offset: number, bit: number): void {
    this.#need(path).flipBit(offset, bit);
  }

  set capacityBytes(bytes: number) {
    this.#capacityBytes = bytes;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const file of this.#names.values()) sum += file.size;
    return sum;
  }

  #run<T>(life: number, operation: DiskOperation, work: () => T, fail?: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const perform = (): void => {
        if (life !== this.#life) return;
        const code = this.#options.fault?.(operation);
        if (code !== undefined) {
          fail?.();
          reject(systemError(code, operation));
          return;
        }
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      if (life !== this.#life) return;
      if (this.#options.schedule === undefined) queueMicrotask(perform);
      else this.#options.schedule(operation, perform);
    });
  }

  #open(
    path: string,
    mode: OpenMode,
    run: <T>(operation: DiskOperation, work: () => T, fail?: () => void) => Promise<T>,
    isAlive: () => boolean,
  ): DiskFile {
    if (!this.#folders.has(folderOf(path))) throw systemError('ENOENT', { kind: 'open', path });
    let file = this.#names.get(path);
    if (file === undefined && mode !== 'create') throw systemError('ENOENT', { kind: 'open', path });
    if (file === undefined) {
      const made = new MemoryFile();
      file = made;
      this.#change({ folders: [folderOf(path)], from: undefined, to: path, file: made });
    } else if (mode === 'create') file.truncate(0);
    const room = (): number => this.#capacityBytes - this.usedBytes;
    return file.handle({ path, isDurable: mode === 'durable', isWritable: mode !== 'read', run, room, isAlive });
  }

  #list(folder: string): string[] {
    if (!this.#folders.has(folder)) throw systemError('ENOENT', { kind: 'list', path: folder });
    const names: string[] = [];
    for (const path of this.#names.keys()) if (folderOf(path) === folder) names.push(path.slice(folder.length + 1));
    for (const path of this.#folders)
      if (path !== '' && folderOf(path) === folder) names.push(path.slice(folder.length + 1));
    return names.sort();
  }

  /** Folders are durable at once: nothing that is tested hangs on losing them. */
  #makeFolder(folder: string): void {
    this.#addFolders(folder);
  }

  #addFolders(folder: string): void {
    for (let path = folder; path !== ''; path = folderOf(path)) this.#folders.add(path);
  }

  #rename(from: string, to: string): void {
    const file = this.#need(from);
    this.#change({ folders: [folderOf(from), folderOf(to)], from, to, file });
  }

  #remove(path: string): void {
    this.#need(path);
    this.#change({ folders: [folderOf(path)], from: path, to: undefined, file: undefined });
  }

  #change(change: NameChange): void {
    this.#changes.push(change);
    applyTo(this.#names, change);
  }

  /** The journal is flushed up to the last change in this folder. */
  #syncFolder(folder: string): void {
    const count = this.#changes.findLastIndex((change) => change.folders.includes(folder)) + 1;
    for (const change of this.#changes.splice(0, count)) applyTo(this.#durableNames, change);
  }

  #need(path: string): MemoryFile {
    const file = this.#names.get(path);
    if (file === undefined) throw systemError('ENOENT', { kind: 'open', path });
    return file;
  }
}

/**
 * A name that comes, a name that goes, or both at once; not durable yet. Folders are journalled: after a crash the first so many changes
 * are there.
 */
interface NameChange {
  readonly folders: readonly string[];
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly file: MemoryFile | undefined;
}

function applyTo(names: Map<string, MemoryFile>, { from, to, file }: NameChange): void {
  if (from !== undefined) names.delete(from);
  if (to !== undefined && file !== undefined) names.set(to, file);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function systemError(code: string, operation: DiskOperation): Error {
  return Object.assign(new Error(`${code}: ${operation.kind} '${operation.path}'`), { code });
}
