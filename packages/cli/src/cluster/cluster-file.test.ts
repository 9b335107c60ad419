import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CLUSTER_FILE,
  type ClusterFile,
  findClusterFolder,
  readClusterFile,
  writeClusterFile,
} from './cluster-file.js';
import { newMembers } from './members.js';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'zkl-file-')));
});
afterEach(() => rm(folder, { recursive: true }));

const cluster: ClusterFile = {
  format: 1,
  clusterId: 'local-1',
  createdAt: '2026-01-02T03:04:05.678Z',
  configFile: null,
  members: newMembers('127.0.0.1', [7001, 7002, 7003]),
};

describe('the cluster file', () => {
  test('is read as it was written, and nothing else stays in the folder', async () => {
    const running = {
      ...cluster,
      members: cluster.members.map((member) => ({ ...member, process: { pid: 7, startTime: 'x' } })),
    };
    await writeClusterFile(folder, running);
    expect(await readClusterFile(folder)).toEqual(running);
    expect(await readdir(folder)).toEqual([CLUSTER_FILE]);
  });

  test('is undefined where there is none', async () => {
    expect(await readClusterFile(folder)).toBeUndefined();
    expect(await readClusterFile(join(folder, 'missing'))).toBeUndefined();
  });

  test.each([
    ['no JSON', '{'],
    ['another format', JSON.stringify({ ...cluster, format: 2 })],
    ['a key that is not known', JSON.stringify({ ...cluster, color: 'red' })],
    ['no members', JSON.stringify({ ...cluster, members: [] })],
    ['an id twice', JSON.stringify({ ...cluster, members: [cluster.members[0], cluster.members[0]] })],
    [
      'a pid that could be a whole group',
      JSON.stringify({ ...cluster, members: [{ ...cluster.members[0], process: { pid: -1, startTime: 'x' } }] }),
    ],
  ])('is refused with the path and what to do: %s', async (_, text) => {
    await writeFile(join(folder, CLUSTER_FILE), text);
    await expect(readClusterFile(folder)).rejects.toMatchObject({
      code: 'CLUSTER_FILE_INVALID',
      message: expect.stringContaining(join(folder, CLUSTER_FILE)) as string,
      hint: expect.stringContaining('remove the file') as string,
    });
  });

  test('what may not be written is not: the old file stays', async () => {
    await writeClusterFile(folder, cluster);
    await expect(writeClusterFile(folder, { ...cluster, members: [] })).rejects.toThrow();
    expect(await readClusterFile(folder)).toEqual(cluster);
    expect(await readdir(folder)).toEqual([CLUSTER_FILE]);
  });

  test('is found in the nearest .zkl above', async () => {
    const inner = join(folder, 'a', 'b');
    await mkdir(join(folder, '.zkl'), { recursive: true });
    await mkdir(join(inner, 'c'), { recursive: true });
    await writeClusterFile(join(folder, '.zkl'), cluster);
    expect(await findClusterFolder(join(inner, 'c'))).toBe(join(folder, '.zkl'));
    await mkdir(join(inner, '.zkl'));
    await writeClusterFile(join(inner, '.zkl'), cluster);
    expect(await findClusterFolder(join(inner, 'c'))).toBe(join(inner, '.zkl'));
  });
});
