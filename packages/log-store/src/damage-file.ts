import { type Disk, type DiskFile, writeAtomically } from './disk.js';
import { readWhole } from './disk.js';
import { systemCodeOf } from './errors.js';
import { DAMAGE_FILE, DAMAGED_FOLDER } from './format.js';

/**
 * The memory of damage: a file `damage` that says what was found, and a folder `damaged` with the files in question. The file is
 * written before anything else is touched, so a crash in the middle of setting things aside never forgets why.
 */

/** What the folder's `damage` file says; undefined when there is none. A file that cannot be read still means damage. */
export async function readDamage(disk: Disk, folder: string): Promise<string | undefined> {
  try {
    const { bytes, size } = await readWhole(disk, `${folder}/${DAMAGE_FILE}`);
    const text = Buffer.from(bytes.subarray(0, size)).toString('utf8').trim();
    return text === '' ? 'damage was found earlier' : text;
  } catch (error) {
    return systemCodeOf(error) === 'ENOENT'
      ? undefined
      : 'damage was found earlier, and the note about it is unreadable';
  }
}

export async function writeDamage(disk: Disk, folder: string, reason: string): Promise<void> {
  await writeAtomically(disk, folder, DAMAGE_FILE, Buffer.from(`${reason}\n`, 'utf8'));
}

/** Forgets the damage, durably. The files set aside stay until the next damage. */
export async function clearDamage(disk: Disk, folder: string): Promise<void> {
  await disk.remove(`${folder}/${DAMAGE_FILE}`);
  await disk.syncFolder(folder);
}

/** Makes room for what is to be set aside: what an earlier, repaired damage left goes. */
export async function emptyDamagedFolder(disk: Disk, folder: string): Promise<void> {
  const aside = `${folder}/${DAMAGED_FOLDER}`;
  await disk.makeFolder(aside);
  for (const name of await disk.list(aside)) await disk.remove(`${aside}/${name}`);
  await disk.syncFolder(aside);
  await disk.syncFolder(folder);
}

/** Moves a file of the data folder aside, durably. */
export async function moveAside(disk: Disk, folder: string, name: string): Promise<void> {
  const target = await freeName(disk, folder, name);
  await disk.rename(`${folder}/${name}`, target);
  await disk.syncFolder(`${folder}/${DAMAGED_FOLDER}`);
  await disk.syncFolder(folder);
}

/** Copies a file of the data folder aside, durably. */
export async function copyAside(disk: Disk, folder: string, name: string): Promise<void> {
  const target = await freeName(disk, folder, name);
  const source = await disk.open(`${folder}/${name}`, 'read');
  try {
    const copy = await disk.open(target, 'create');
    try {
      await copyAll(source, copy);
      await copy.sync();
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
  await disk.syncFolder(`${folder}/${DAMAGED_FOLDER}`);
}

async function copyAll(source: DiskFile, copy: DiskFile): Promise<void> {
  const piece = new Uint8Array(1024 * 1024);
  for (let at = 0; ;) {
    const count = await source.read(piece, at);
    if (count > 0) await copy.write(piece.subarray(0, count), at);
    at += count;
    if (count < piece.byteLength) return;
  }
}

async function freeName(disk: Disk, folder: string, name: string): Promise<string> {
  const aside = `${folder}/${DAMAGED_FOLDER}`;
  await disk.makeFolder(aside);
  const taken = new Set(await disk.list(aside));
  let candidate = name;
  for (let copy = 2; taken.has(candidate); copy += 1) candidate = `${name}.${copy}`;
  return `${aside}/${candidate}`;
}
