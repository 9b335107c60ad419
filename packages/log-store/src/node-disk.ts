import * as fs from 'node:fs';
import * as fsp from 'node:fs/promises';
import type { Disk, DiskFile, OpenMode } from './disk.js';

/**
 * Real files, through the thread pool: nothing here blocks the event loop.
 *
 * Durable writes use a descriptor opened with O_DSYNC, which saves a round through the pool compared with write + fdatasync.
 * Where that flag is missing (Windows) or does not reach the platter (macOS, where only F_FULLFSYNC does, which Node's fsync
 * uses), each write is followed by a sync instead.
 */
export function nodeDisk(): Disk {
  return {
    open,
    list: (folder) => fsp.readdir(folder),
    makeFolder,
    rename: (from, to) => fsp.rename(from, to),
    remove: (path) => fsp.unlink(path),
    syncFolder,
  };
}

const hasDurableWrites = process.platform === 'linux' && typeof fs.constants.O_DSYNC === 'number';

async function open(path: string, mode: OpenMode): Promise<DiskFile> {
  const fd = await new Promise<number>((resolve, reject) => {
    fs.open(path, flagsOf(mode), 0o640, (error, opened) => (error === null ? resolve(opened) : reject(error)));
  });
  return new NodeFile(fd, mode === 'durable' && !hasDurableWrites);
}

function flagsOf(mode: OpenMode): number {
  const { O_RDONLY, O_RDWR, O_CREAT, O_TRUNC, O_DSYNC } = fs.constants;
  if (mode === 'read') return O_RDONLY;
  if (mode === 'create') return O_RDWR | O_CREAT | O_TRUNC;
  return hasDurableWrites ? O_RDWR | O_DSYNC : O_RDWR;
}

async function makeFolder(folder: string): Promise<void> {
  await fsp.mkdir(folder, { recursive: true, mode: 0o750 });
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder for syncing; its renames are journalled.
  if (process.platform === 'win32') return;
  const handle = await fsp.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Callbacks and bare descriptors rather than FileHandle: this is the hot path, and a FileHandle costs a second promise. */
class NodeFile implements DiskFile {
  readonly #fd: number;
  readonly #syncEachWrite: boolean;

  constructor(fd: number, syncEachWrite: boolean) {
    this.#fd = fd;
    this.#syncEachWrite = syncEachWrite;
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#fd, (error, stats) => (error === null ? resolve(stats.size) : reject(error)));
    });
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.byteLength) {
      const count = await this.#readOnce(target, done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  #readOnce(target: Uint8Array, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, target, at, target.byteLength - at, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    let done = 0;
    // A short write is no error of the system's; the rest is written next.
    while (done < source.byteLength) done += await this.#writeOnce(source, done, position + done);
    if (this.#syncEachWrite) await this.sync();
  }

  #writeOnce(source: Uint8Array, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#fd, source, at, source.byteLength - at, position, (error, count) => {
        if (error === null && count > 0) resolve(count);
        else reject(error ?? Object.assign(new Error('the write wrote nothing'), { code: 'EIO' }));
      });
    });
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fsync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  truncate(size: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.#fd, size, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.close(this.#fd, (error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
  }
}
