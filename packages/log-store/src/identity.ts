import type { ServerId } from '@zkl/consensus';
import { checksum } from './bytes.js';
import { type Disk, readWhole, writeAtomically } from './disk.js';
import { LogStoreError, systemCodeOf } from './errors.js';
import { FORMAT_VERSION, META_FILE } from './format.js';

/** Whose data it is. Written once, and never changed. */
export interface FolderIdentity {
  readonly clusterId: string;
  readonly serverId: ServerId;
}

const META = /^zkl data folder, format (\d+)\ncluster (.+)\nserver (\d+)\ncheck ([0-9a-f]{8})\n$/;

/** The folder's identity, or undefined when it has none yet. @throws LogStoreError FOLDER_DAMAGED, FOLDER_FORMAT_UNKNOWN. */
export async function readIdentity(disk: Disk, folder: string): Promise<FolderIdentity | undefined> {
  const text = await readMeta(disk, folder);
  if (text === undefined) return undefined;
  const match = META.exec(text);
  const [, format, clusterId, serverId, check] = match ?? [];
  if (clusterId === undefined || check !== checkOf(text.slice(0, text.lastIndexOf('check ')))) {
    throw new LogStoreError(
      'FOLDER_DAMAGED',
      `The file ${folder}/${META_FILE} is damaged: restore it from another copy, or start with an empty folder.`,
    );
  }
  if (Number(format) !== FORMAT_VERSION) {
    const versions = `format ${format}, and this version reads format ${FORMAT_VERSION}`;
    throw new LogStoreError(
      'FOLDER_FORMAT_UNKNOWN',
      `The data folder ${folder} has ${versions}: use a matching version of zkl.`,
    );
  }
  return { clusterId, serverId: Number(serverId) };
}

/** Creates `meta`, atomically and durably. */
export async function writeIdentity(disk: Disk, folder: string, identity: FolderIdentity): Promise<void> {
  const text = `zkl data folder, format ${FORMAT_VERSION}\ncluster ${identity.clusterId}\nserver ${identity.serverId}\n`;
  await writeAtomically(disk, folder, META_FILE, Buffer.from(`${text}check ${checkOf(text)}\n`, 'utf8'));
}

async function readMeta(disk: Disk, folder: string): Promise<string | undefined> {
  try {
    const { bytes, size } = await readWhole(disk, `${folder}/${META_FILE}`);
    return Buffer.from(bytes.subarray(0, size)).toString('latin1');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function checkOf(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return checksum(bytes, 0, bytes.byteLength).toString(16).padStart(8, '0');
}
