/**
 * The store's only access to files. Implemented by `nodeDisk` for production and by `MemoryDisk` for simulation and crash tests.
 * Errors carry a `code` as the operating system names it: ENOENT, EEXIST, ENOSPC, EIO, ... .
 * Paths are given whole, with `/` between their parts.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Names of the files and folders in `folder`, in no order. Rejects with ENOENT when there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Creates the folder and those above it; nothing happens when it is there. */
  makeFolder(folder: string): Promise<void>;
  /** Replaces `to` atomically. Durable after `syncFolder` of both folders. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Durable after `syncFolder`. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in this folder durable. */
  syncFolder(folder: string): Promise<void>;
}

/**
 * `read`: an existing file, to be read. `create`: a new file, empty (an old one of that name is emptied), to be read and written.
 * `durable`: an existing file, to be read and written; each `write` resolves when it is durable (O_DSYNC).
 */
export type OpenMode = 'read' | 'create' | 'durable';

/** An open file. Reads may overlap; at most one write, sync or truncate is under way at a time. */
export interface DiskFile {
  size(): Promise<number>;
  /** Fills `target` from `position` on; resolves with how many bytes there were, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `source`. It must not change meanwhile. Durable only in mode `durable`, else after `sync`. */
  write(source: Uint8Array, position: number): Promise<void>;
  /** Makes everything written to the file, and its size, durable. A failure must never be retried: the pages count as clean after it. */
  sync(): Promise<void>;
  /** Cuts the file. Durable after `sync`. */
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** Reads a whole file, padded with zeros to at least `minimumBytes`. */
export async function readWhole(
  disk: Disk,
  path: string,
  minimumBytes = 0,
): Promise<{ bytes: Uint8Array; size: number }> {
  const file = await disk.open(path, 'read');
  try {
    const size = await file.size();
    const bytes = new Uint8Array(Math.max(size, minimumBytes));
    const read = await file.read(bytes.subarray(0, size), 0);
    return { bytes, size: read };
  } finally {
    await file.close();
  }
}

/** Creates or replaces a small file atomically: temporary file, sync, rename, sync of the folder. */
export async function writeAtomically(disk: Disk, folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${folder}/${name}.tmp`;
  const file = await disk.open(temporary, 'create');
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, `${folder}/${name}`);
  await disk.syncFolder(folder);
}
