import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FileLogStore } from './file-log-store.js';
import { LogStoreError, systemCodeOf } from './errors.js';
import { lockFolder } from './folder-lock.js';
import { HARD_STATE_FILE, LOCK_FILE, META_FILE, sequenceOf, snapshotZxidOf, TEMPORARY_SUFFIX } from './format.js';
import { createHardState, HARD_STATE_ZERO } from './hard-state-file.js';
import { readIdentity, writeIdentity, type FolderIdentity } from './identity.js';
import { nodeDisk } from './node-disk.js';
import type { FileLogStoreOptions } from './options.js';

/** Whose folder it is, and how it is to be kept. */
export interface DataFolderOptions extends FolderIdentity, Omit<FileLogStoreOptions, 'folder' | 'disk' | 'release'> {}

/**
 * Opens the data folder of one server, creating it when it is missing, and locks it until the store is closed. The store itself is opened by its user.
 *
 * Errors, all of them before anything in the folder is changed: FOLDER_IN_USE, FOLDER_OF_OTHER_SERVER, FOLDER_OF_OTHER_CLUSTER,
 * FOLDER_NOT_A_FOLDER, FOLDER_NOT_WRITABLE, FOLDER_FOREIGN, FOLDER_FORMAT_UNKNOWN, FOLDER_DAMAGED.
 */
export async function openDataFolder(path: string, options: DataFolderOptions): Promise<FileLogStore> {
  const folder = resolve(path);
  await reach(folder);
  const lock = await lockFolder(folder);
  try {
    await identify(folder, options);
    return new FileLogStore({ ...options, folder, release: () => lock.release() });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function reach(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
    if (!(await stat(folder)).isDirectory()) throw notAFolder(folder);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'EEXIST' || code === 'ENOTDIR') throw notAFolder(folder);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT') {
      throw new LogStoreError(
        'FOLDER_NOT_WRITABLE',
        `The data folder ${folder} cannot be written (${code}): give its owner this user, or choose another folder.`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** Not `recursive`, which never returns on a file system that says ENOENT to everything (/proc). */
async function makeFolders(folder: string): Promise<void> {
  const above = dirname(folder);
  if (await exists(folder)) return;
  if (above !== folder) await makeFolders(above);
  try {
    await mkdir(folder);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function notAFolder(folder: string): LogStoreError {
  return new LogStoreError('FOLDER_NOT_A_FOLDER', `${folder} is not a folder: choose another path for the data.`);
}

/** Checks whose folder it is; an empty one becomes this server's. */
async function identify(folder: string, { clusterId, serverId }: FolderIdentity): Promise<void> {
  const disk = nodeDisk();
  const found = await readIdentity(disk, folder);
  if (found === undefined) {
    const names = await readdir(folder);
    refuseForeign(folder, names);
    // The identity comes last: where it stands, a missing hard state is damage.
    if (!names.includes(HARD_STATE_FILE)) await createHardState(disk, folder, HARD_STATE_ZERO);
    return writeIdentity(disk, folder, { clusterId, serverId });
  }
  if (found.clusterId !== clusterId) {
    throw new LogStoreError(
      'FOLDER_OF_OTHER_CLUSTER',
      `The data folder ${folder} belongs to cluster "${found.clusterId}", and this server to "${clusterId}": correct the cluster id or the folder.`,
    );
  }
  if (found.serverId !== serverId) {
    throw new LogStoreError(
      'FOLDER_OF_OTHER_SERVER',
      `The data folder ${folder} belongs to server ${found.serverId}, and this is server ${serverId}: correct the server id or the folder.`,
    );
  }
}

/** A folder without an identity is taken only when nothing of anybody's is in it: what zkl left there before its identity was durable is its own. */
function refuseForeign(folder: string, names: readonly string[]): void {
  if (names.some((name) => sequenceOf(name) !== undefined || snapshotZxidOf(name) !== undefined)) {
    throw new LogStoreError(
      'FOLDER_DAMAGED',
      `${folder} holds a zkl server's data, but its file ${META_FILE} is missing: restore that file, or choose an empty folder.`,
    );
  }
  const ours = [LOCK_FILE, HARD_STATE_FILE, 'lost+found'];
  const foreign = names.find((name) => !ours.includes(name) && !name.endsWith(TEMPORARY_SUFFIX));
  if (foreign === undefined) return;
  throw new LogStoreError(
    'FOLDER_FOREIGN',
    `The folder ${folder} holds files that are not a zkl server's (${foreign}): choose an empty folder.`,
  );
}
