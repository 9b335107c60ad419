import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeExit, sizeOf } from './exit-meaning.js';
import { followLog, parseLogLine, readLogTail } from './server-log.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zkl-log-'));
  path = join(folder, 'server-1.log');
});
afterEach(() => rm(folder, { recursive: true }));

test('takes lines apart, and keeps what is no JSON as it is', async () => {
  await writeFile(path, '{"level":30,"event":"serving","msg":"serves"}\nboom\n{"level":"error","msg":"x"}\n');
  const lines = await readLogTail(path, 10);
  expect(lines.map(({ level, event, message }) => [level, event, message])).toEqual([
    [30, 'serving', 'serves'],
    [undefined, undefined, undefined],
    [50, undefined, 'x'],
  ]);
  expect(lines[1]?.text).toBe('boom');
  expect((await readLogTail(path, 1)).map(({ message }) => message)).toEqual(['x']);
  expect(await readLogTail(join(folder, 'missing'), 5)).toEqual([]);
});

test('leaves out what earlier runs wrote', async () => {
  await writeFile(path, '{"msg":"earlier"}\n');
  const start = await sizeOf(path);
  await appendFile(path, '{"msg":"now"}\n');
  expect((await readLogTail(path, 10, start)).map(({ message }) => message)).toEqual(['now']);
});

test('says why a server ended: the code in words, and what it logged last as an error', async () => {
  await writeFile(path, '{"level":30,"msg":"starts"}\n{"level":50,"msg":"the folder belongs to server 9"}\n');
  const error = await describeExit(1, { code: 2, signal: null }, path, 0);
  expect(error).toMatchObject({ code: 'SERVER_EXITED', hint: expect.stringContaining('zkl cluster logs 1') as string });
  expect(error.message).toMatch(
    /^server 1 ended with code 2: its configuration.*\n {2}the folder belongs to server 9$/,
  );
  expect((await describeExit(2, { code: null, signal: 'SIGKILL' }, join(folder, 'missing'), 0)).message).toBe(
    'server 2 was ended by SIGKILL',
  );
});

test.each(['constructor', '__proto__', 'toString', {}])('the level %j is none', (level) => {
  expect(parseLogLine(JSON.stringify({ level })).level).toBeUndefined();
  expect(parseLogLine('{"level":"warn"}').level).toBe(40);
});

test('follows a log until it is told to end', async () => {
  await writeFile(path, 'a\nb\n');
  const abort = new AbortController();
  let seen = '';
  for await (const bytes of followLog(path, 2, abort.signal)) {
    seen += Buffer.from(bytes).toString();
    if (seen === 'b\n') await appendFile(path, 'c\n');
    else abort.abort();
  }
  expect(seen).toBe('b\nc\n');
});
