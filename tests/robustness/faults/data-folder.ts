import { open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** A place in a file. */
export interface FilePosition {
  readonly path: string;
  readonly offset: number;
}

/**
 * Where bytes that a test wrote stand in the log of a data folder, whatever its format: the first place of each file that has them.
 *
 * @param marker - Bytes that occur nowhere else.
 */
export async function findInLog(dataFolder: string, marker: string): Promise<FilePosition[]> {
  const found: FilePosition[] = [];
  for (const path of await logFiles(dataFolder)) {
    const offset = (await readFile(path)).indexOf(marker);
    if (offset >= 0) found.push({ path, offset });
  }
  return found;
}

/** Flips one bit, as a failing disk does. */
export async function flipBit({ path, offset }: FilePosition): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ 0b0001_0000;
    await file.write(byte, 0, 1, offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Where the log's last bytes stand: what follows in its files is room that was set aside. */
export async function endOfLog(dataFolder: string): Promise<FilePosition> {
  for (const path of (await logFiles(dataFolder)).toReversed()) {
    const bytes = await readFile(path);
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end -= 1;
    // A segment that was only set aside holds its header and nothing else.
    if (end > SEGMENT_HEADER_BYTES_MAX) return { path, offset: end };
  }
  throw new Error(`${dataFolder} holds no log`);
}

/** Longer than any header of an empty segment, and shorter than one with a write in it. */
const SEGMENT_HEADER_BYTES_MAX = 1_024;

/** Cuts the file at a position: what a crash in the middle of an append leaves. */
export async function tearAt({ path, offset }: FilePosition): Promise<void> {
  await truncate(path, offset);
}

/** Removes everything that a server kept. */
export async function wipe(dataFolder: string): Promise<void> {
  await rm(dataFolder, { recursive: true });
}

/** The segments of the log, the oldest first. */
async function logFiles(dataFolder: string): Promise<string[]> {
  const names = await readdir(dataFolder);
  return names
    .filter((name) => name.startsWith('log-'))
    .sort()
    .map((name) => join(dataFolder, name));
}
