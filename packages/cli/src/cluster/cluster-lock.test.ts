import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withClusterLock } from './cluster-lock.js';
import { identifyProcess } from './process-identity.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zkl-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('lets one in at a time, and leaves nothing behind', async () => {
  let [inside, most, runs] = [0, 0, 0];
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await readdir(folder);
    runs += 1;
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 12 }, () => withClusterLock(folder, work)));
  expect({ most, runs }).toEqual({ most: 1, runs: 12 });
  expect(await readdir(folder)).toEqual([]);
});

test('is let go of when the work fails', async () => {
  await expect(withClusterLock(folder, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await withClusterLock(folder, () => Promise.resolve('next'))).toBe('next');
});

test('is taken over from a process that died with it', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await writeFile(join(folder, 'cluster.lock'), JSON.stringify({ pid, startTime: 'long ago' }));
  expect(await withClusterLock(folder, () => Promise.resolve('mine'))).toBe('mine');
  await writeFile(join(folder, 'cluster.lock'), 'garbage');
  const contenders = Array.from({ length: 8 }, (_, index) => withClusterLock(folder, () => Promise.resolve(index)));
  expect(await Promise.all(contenders)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('is not taken over from a process that lives', async () => {
  const holder = await identifyProcess(process.ppid);
  await writeFile(join(folder, 'cluster.lock'), JSON.stringify(holder));
  let entered = false;
  const waiting = withClusterLock(folder, () => Promise.resolve((entered = true)));
  // Many looks at the lock happen in this time; each of them must leave it alone.
  for (let look = 0; look < 50; look += 1) await identifyProcess(process.pid);
  expect(entered).toBe(false);
  await rm(join(folder, 'cluster.lock'));
  expect(await waiting).toBe(true);
});
