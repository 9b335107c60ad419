import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  appendHistory,
  HISTORY_LINE_CHARACTERS_MAX,
  HISTORY_LINES_MAX,
  historyPath,
  loadHistory,
} from './history-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zkl-history-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('ZKL_HISTORY names the file, else it is in the home folder', () => {
  expect(historyPath({ ZKL_HISTORY: '/x/y' })).toBe('/x/y');
  expect(historyPath({})).toMatch(/\.zkl_history$/);
});

test('keeps lines across runs, readable by the owner alone', async () => {
  const path = join(folder, 'history');
  expect(await loadHistory(path)).toEqual([]);
  expect(await appendHistory(path, ['write 1', 'read'])).toBe(true);
  expect(await appendHistory(path, ['guess 1'])).toBe(true);
  expect(await loadHistory(path)).toEqual(['write 1', 'read', 'guess 1']);
  expect((await stat(path)).mode & 0o077).toBe(0);
});

test('is bounded: the newest lines stay, and a line that is too long is not kept', async () => {
  const path = join(folder, 'history');
  await appendHistory(
    path,
    Array.from({ length: HISTORY_LINES_MAX + 7 }, (_, index) => `write ${index}`),
  );
  await appendHistory(path, ['x'.repeat(HISTORY_LINE_CHARACTERS_MAX + 1), 'read']);
  const lines = await loadHistory(path);
  expect(lines).toHaveLength(HISTORY_LINES_MAX);
  expect([lines[0], lines.at(-1)]).toEqual(['write 8', 'read']);
  expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(HISTORY_LINES_MAX + 1);
});

test('never fails: a path that cannot be written or read is no history', async () => {
  const blocked = join(folder, 'folder');
  await mkdir(blocked);
  await writeFile(join(folder, 'file'), '');
  for (const path of [blocked, join(folder, 'file', 'below'), join(folder, 'missing', 'below')]) {
    expect(await appendHistory(path, ['read'])).toBe(false);
    expect(await loadHistory(path)).toEqual([]);
  }
});
