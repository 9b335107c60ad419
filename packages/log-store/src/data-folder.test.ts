import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataFolder } from './data-folder.js';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zkl-data-folder-'));
  folder = join(root, 'a', 'b');
});
afterEach(() => rm(root, { recursive: true }));

const self = { clusterId: 'orders', serverId: 3, segmentBytes: 8192 };

async function refusal(
  path: string,
  options: Parameters<typeof openDataFolder>[1],
): Promise<{ code: string; exitCode: number; message: string }> {
  const outcome = await openDataFolder(path, options).then(
    (store) => store.close().then(() => 'opened'),
    (error: unknown) => error,
  );
  return outcome as { code: string; exitCode: number; message: string };
}

describe('openDataFolder', () => {
  it('creates a folder, and finds it again', async () => {
    const store = await openDataFolder(folder, self);
    expect(await store.open()).toMatchObject({ damage: undefined, hardState: { acceptedEpoch: 0, currentEpoch: 0 } });
    await store.write({ blocks: [], hardState: { acceptedEpoch: 5, currentEpoch: 4 } });
    await store.close();
    const again = await openDataFolder(folder, self);
    expect(await again.open()).toMatchObject({ damage: undefined, hardState: { acceptedEpoch: 5, currentEpoch: 4 } });
    await again.close();
  });

  it('refuses a folder that this process has open already, and gives it back with close', async () => {
    const store = await openDataFolder(folder, self);
    expect(await refusal(folder, self)).toMatchObject({ code: 'FOLDER_IN_USE', exitCode: 2 });
    expect(await refusal(join(folder, '..', 'b'), self)).toMatchObject({ code: 'FOLDER_IN_USE' });
    await store.close();
    expect(await refusal(folder, self)).toBe('opened');
  });

  it('refuses a folder that another process has open, and takes it once that was killed', async () => {
    const script = join(root, 'holder.mjs');
    await writeFile(
      script,
      `import { lockFolder } from ${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)};
      await lockFolder(process.argv[2]); console.log('held'); setInterval(() => {}, 1000);`,
    );
    await mkdir(folder, { recursive: true });
    const child = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '-C', '@zkl/source', script, folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await once(child.stdout, 'data');
      expect(await refusal(folder, self)).toMatchObject({ code: 'FOLDER_IN_USE', exitCode: 2 });
      expect((await refusal(folder, self)).message).toMatch(`process ${child.pid}`);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(await refusal(folder, self)).toBe('opened');
  });

  it('refuses the folder of another server or cluster', async () => {
    expect(await refusal(folder, self)).toBe('opened');
    expect(await refusal(folder, { ...self, serverId: 4 })).toMatchObject({
      code: 'FOLDER_OF_OTHER_SERVER',
      exitCode: 2,
    });
    expect(await refusal(folder, { ...self, clusterId: 'bills' })).toMatchObject({
      code: 'FOLDER_OF_OTHER_CLUSTER',
      exitCode: 2,
    });
    expect(await refusal(folder, self)).toBe('opened');
  });

  it('refuses what is no folder, or not its own', async () => {
    const file = join(root, 'file');
    await writeFile(file, 'x');
    expect(await refusal(file, self)).toMatchObject({ code: 'FOLDER_NOT_A_FOLDER', exitCode: 2 });
    expect(await refusal(join(file, 'below'), self)).toMatchObject({ code: 'FOLDER_NOT_A_FOLDER' });
    expect(await refusal(root, self)).toMatchObject({ code: 'FOLDER_FOREIGN', exitCode: 2 });
    expect((await readdir(root)).filter((name) => name !== 'lock')).toEqual(['file']);
  });

  it.skipIf(process.getuid?.() === 0)('refuses a folder that it may not write', async () => {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o500);
    expect(await refusal(folder, self)).toMatchObject({ code: 'FOLDER_NOT_WRITABLE', exitCode: 2 });
  });

  it('refuses an unknown format, and an identity with any bit flipped', async () => {
    expect(await refusal(folder, self)).toBe('opened');
    const meta = join(folder, 'meta');
    const bytes = await readFile(meta);
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(meta, flipped);
      expect(await refusal(folder, self), `at ${at}`).toMatchObject({ code: 'FOLDER_DAMAGED', exitCode: 4 });
    }
    const { crc32 } = await import('node:zlib');
    const future = 'zkl data folder, format 2\ncluster orders\nserver 3\n';
    await writeFile(meta, `${future}check ${crc32(future).toString(16).padStart(8, '0')}\n`);
    expect(await refusal(folder, self)).toMatchObject({ code: 'FOLDER_FORMAT_UNKNOWN', exitCode: 2 });
    await rm(meta);
    const store = await openDataFolder(folder, self).catch((error: unknown) => error);
    expect(store).not.toMatchObject({ code: 'FOLDER_FOREIGN' });
    await (store as { close?: () => Promise<void> }).close?.();
  });

  it('refuses data without identity', async () => {
    const store = await openDataFolder(folder, self);
    await store.open();
    await store.close();
    await rm(join(folder, 'meta'));
    expect(await refusal(folder, self)).toMatchObject({ code: 'FOLDER_DAMAGED', exitCode: 4 });
  });

  it('completes a creation that was interrupted', async () => {
    expect(await refusal(folder, self)).toBe('opened');
    await rm(join(folder, 'meta'));
    await writeFile(join(folder, 'meta.tmp'), 'half');
    const store = await openDataFolder(folder, self);
    expect((await store.open()).damage).toBeUndefined();
    await store.close();
  });
});
