import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { identifyProcess, isRunning, parseLinuxStat, signalProcess } from './process-identity.js';
import { waitUntil } from './wait-until.js';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function sleeper(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return child;
}

test('tells a process by id and start time, the same whenever it is asked', async () => {
  const self = await identifyProcess(process.pid);
  expect(self?.pid).toBe(process.pid);
  expect(await identifyProcess(process.pid)).toEqual(self);
  expect(await isRunning(self!)).toBe(true);
});

test('an id that another process has by now is not the process that was remembered, and gets no signal', async () => {
  const child = await sleeper();
  const recycled = { pid: child.pid!, startTime: 'the start of a process that had this id before' };
  expect(await isRunning(recycled)).toBe(false);
  expect(await signalProcess(recycled, 'SIGKILL')).toBe(false);
  expect(await identifyProcess(child.pid!)).toBeDefined();
});

test('a killed process is gone', async () => {
  const child = await sleeper();
  const identity = (await identifyProcess(child.pid!))!;
  expect(await signalProcess(identity, 'SIGKILL')).toBe(true);
  await waitUntil(async () => ((await isRunning(identity)) ? undefined : true), { what: 'its end', timeoutMs: 5_000 });
  expect(await identifyProcess(identity.pid)).toBeUndefined();
  expect(await signalProcess(identity, 'SIGTERM')).toBe(false);
});

test('reads the start out of /proc, whatever the program calls itself', () => {
  const rest = 'S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21';
  expect(parseLinuxStat(`77 (node) ${rest}`, 'boot')).toBe('boot/4242');
  expect(parseLinuxStat(`77 (a) b) S 9) ${rest}`, 'boot')).toBe('boot/4242');
  expect(parseLinuxStat(`77 (node) ${rest.replace('S', 'Z')}`, 'boot')).toBeUndefined();
  expect(parseLinuxStat('77 (node) S 1', 'boot')).toBeUndefined();
});
