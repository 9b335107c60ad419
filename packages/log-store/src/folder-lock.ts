import { readFileSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { LogStoreError, systemCodeOf } from './errors.js';
import { LOCK_FILE } from './format.js';

/** Held as long as the folder is open. */
export interface FolderLock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** When the process began, in the system's own units; empty where it cannot be known. Tells a reused pid from the holder's. */
  readonly started: string;
}

/**
 * Makes sure that nobody else has the folder open, in this process or in another one. A killed process leaves nothing behind that
 * would have to be removed by hand.
 *
 * On Linux the lock is a listening socket in the abstract namespace, named after the folder's device and inode: the system frees it with the process,
 * however it ends, and it cannot be taken twice. It holds among processes that share a network namespace. Everywhere,
 * a file names the holder; where there are no abstract sockets that file is the lock, and it is stale when its process is gone.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const socket = process.platform === 'linux' ? await listenFor(folder) : undefined;
  try {
    await takeFile(folder, socket !== undefined);
  } catch (error) {
    await closed(socket);
    throw error;
  }
  return {
    release: async () => {
      await rm(`${folder}/${LOCK_FILE}`, { force: true });
      await closed(socket);
    },
  };
}

async function listenFor(folder: string): Promise<Server> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      void inUse(folder).then((told) => reject(systemCodeOf(error) === 'EADDRINUSE' ? told : error));
    });
    server.listen({ path: `\0zkl-data-folder-${dev}-${ino}`, exclusive: true }, resolve);
  });
  server.unref();
  return server;
}

function closed(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (server === undefined) resolve();
    else server.close(() => resolve());
  });
}

/** Writes who holds the folder. Where the file is the lock, a live holder refuses it, and creation is exclusive. */
async function takeFile(folder: string, alreadyOurs: boolean): Promise<void> {
  const path = `${folder}/${LOCK_FILE}`;
  const holder: Holder = { pid: process.pid, started: startOf(process.pid) };
  const text = `${JSON.stringify(holder)}\n`;
  if (alreadyOurs) return writeFile(path, text);
  const before = await readHolder(folder);
  if (before !== undefined && isAlive(before)) throw await inUse(folder);
  await rm(path, { force: true });
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    throw systemCodeOf(error) === 'EEXIST' ? await inUse(folder) : error;
  }
}

async function inUse(folder: string): Promise<LogStoreError> {
  const holder = await readHolder(folder);
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  return new LogStoreError(
    'FOLDER_IN_USE',
    `The data folder ${folder} is in use by ${who}: stop that server first, or give this one a folder of its own.`,
  );
}

async function readHolder(folder: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(`${folder}/${LOCK_FILE}`, 'utf8')) as Partial<Holder> | null;
    if (typeof holder?.pid !== 'number' || typeof holder.started !== 'string') return undefined;
    return { pid: holder.pid, started: holder.started };
  } catch {
    // No file, or one that a crash cut short: it names nobody.
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** Field 22 of /proc/<pid>/stat, clock ticks after the boot. The name, which may hold anything, ends at the last parenthesis. */
function startOf(pid: number): string {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
