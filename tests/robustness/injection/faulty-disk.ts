import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import type { DiskCall, DiskTrouble } from './orders.js';

type Done = (error: NodeJS.ErrnoException | null, count?: number) => void;
type Anything = (...args: never[]) => unknown;

/** Stands before the file system, for the files of one folder. */
export class FaultyDisk {
  readonly #folder: string;
  /** Descriptors of files in the folder. True: opened for writes that are synced each. */
  readonly #descriptors = new Map<number, boolean>();
  readonly #fstat = fs.fstat;
  #trouble: DiskTrouble = {};
  /** Calls that may still go well. */
  #left = 0;

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  /** In place of what was wrong before. */
  set trouble(trouble: DiskTrouble) {
    this.#trouble = trouble;
    this.#left = trouble.after ?? 0;
  }

  install(): void {
    this.#installDescriptors();
    this.#installWrites();
    this.#installNames();
    syncBuiltinESMExports();
  }

  #installDescriptors(): void {
    const { open, close } = fs;
    const { O_DSYNC, O_WRONLY, O_RDWR, O_CREAT } = fs.constants;
    replace(fs, 'open', (path: string, flags: number, mode: number, done: Done) => {
      if (!this.#isOurs(path)) return open(path, flags, mode, done as never);
      const writes = (flags & (O_WRONLY | O_RDWR)) !== 0;
      const error =
        (writes ? this.#failure('open') : undefined) ??
        (this.#trouble.full === true && (flags & O_CREAT) !== 0 ? failure('ENOSPC', 'open') : undefined);
      if (error !== undefined) return process.nextTick(done, error);
      return open(path, flags, mode, (failed: NodeJS.ErrnoException | null, fd: number) => {
        if (failed === null) this.#descriptors.set(fd, (flags & O_DSYNC) === O_DSYNC);
        done(failed, fd);
      });
    });
    replace(fs, 'close', (fd: number, done: Done) => {
      this.#descriptors.delete(fd);
      close(fd, done);
    });
  }

  #installWrites(): void {
    const { write, read, fsync } = fs;
    replace(fs, 'write', (fd: number, source: Uint8Array, at: number, length: number, position: number, done: Done) => {
      const isSynced = this.#descriptors.get(fd);
      if (isSynced === undefined) return write(fd, source, at, length, position, done as never);
      const error = this.#failure('write') ?? (isSynced ? this.#failure('sync') : undefined);
      const go = (count: number): void => write(fd, source, at, count, position, done as never);
      return this.#late(() => {
        // A write that fails may have reached the disk in part: that is what makes it dangerous.
        if (error !== undefined) write(fd, source, at, Math.floor(length / 2), position, () => done(error));
        else if (this.#trouble.full === true) this.#writeWhatFits(fd, length, position, go, done);
        else go(this.#trouble.short === true && length > 1 ? Math.ceil(length / 2) : length);
      });
    });
    replace(fs, 'read', (fd: number, target: Uint8Array, at: number, length: number, position: number, done: Done) => {
      const error = this.#descriptors.has(fd) ? this.#failure('read') : undefined;
      if (error !== undefined) process.nextTick(done, error);
      else read(fd, target, at, length, position, done as never);
    });
    replace(fs, 'fsync', (fd: number, done: Done) => {
      if (!this.#descriptors.has(fd)) return fsync(fd, done);
      const error = this.#failure('sync');
      return this.#late(() => (error === undefined ? fsync(fd, done) : done(error)));
    });
  }

  #installNames(): void {
    const { rename, open } = fsp;
    replace(fsp, 'rename', async (from: string, to: string) => {
      const error = this.#isOurs(from) ? this.#failure('rename') : undefined;
      if (error !== undefined) throw error;
      return rename(from, to);
    });
    replace(fsp, 'open', async (path: string, ...rest: [string]) => {
      const handle = await open(path, ...rest);
      if (!this.#isOurs(path)) return handle;
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        const error = this.#failure('sync');
        if (error !== undefined) throw error;
        return sync();
      };
      return handle;
    });
  }

  /** On a full disk what lies within the file has its room; a write beyond its end is short, and then fails. */
  #writeWhatFits(fd: number, length: number, position: number, go: (count: number) => void, done: Done): void {
    this.#fstat(fd, (error, stats) => {
      const fits = error === null ? Math.min(length, Math.max(0, stats.size - position)) : 0;
      if (fits > 0) go(fits);
      else done(error ?? failure('ENOSPC', 'write'));
    });
  }

  #failure(call: DiskCall): NodeJS.ErrnoException | undefined {
    const { fail } = this.#trouble;
    if (fail === undefined || !fail.calls.includes(call)) return undefined;
    this.#left -= 1;
    return this.#left < 0 ? failure(fail.code, call) : undefined;
  }

  #late(act: () => void): void {
    const { slowMs = 0 } = this.#trouble;
    if (slowMs > 0) setTimeout(act, slowMs);
    else act();
  }

  #isOurs(path: unknown): boolean {
    if (typeof path !== 'string') return false;
    const whole = resolve(path);
    return whole === this.#folder || whole.startsWith(`${this.#folder}/`);
  }
}

function failure(code: string, call: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${call}`), { code, syscall: call });
}

/** The module's functions are called by name at each use, and ECMAScript importers are told by `syncBuiltinESMExports`. */
function replace(module: object, name: string, by: Anything): void {
  Object.assign(module, { [name]: by });
}
