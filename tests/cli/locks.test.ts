import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@zkl/client-sdk';
import { Lock } from '@zkl/client-sdk/recipes/lock';
import { type ProcessCluster, startProcessCluster } from '@zkl/cli/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Run, startZkl, zkl } from './run-zkl.js';

let parent: string;
let cluster: ProcessCluster;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'zkl-locks-'));
  cluster = await startProcessCluster({ size: 1, folder: join(parent, '.zkl') });
}, 120_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(parent, { recursive: true });
});

const at = (): string[] => ['--folder', cluster.folder];
const one = (words: readonly string[]): Promise<Run> => {
  const end = words.indexOf('--');
  return zkl(end < 0 ? [...words, ...at()] : [...words.slice(0, end), ...at(), ...words.slice(end)]);
};
const start = (words: readonly string[]) => {
  const end = words.indexOf('--');
  const flags = ['--json', '--session-timeout', '1s', ...at()];
  return startZkl(end < 0 ? [...words, ...flags] : [...words.slice(0, end), ...flags, ...words.slice(end)]);
};
const client = () => createClient({ endpoints: cluster.endpoints });
/** A program that prints its fencing token. */
const printToken = ['node', '-e', 'console.log(`token=${process.env.ZKL_FENCING_TOKEN}`)'];
/** A program that writes its process id into a file, and lives on. */
const liveOn = (file: string): string[] => [
  'node',
  '-e',
  `require("fs").writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => 0, 1000)`,
];

async function pidIn(file: string): Promise<number> {
  let pid = 0;
  await expect
    .poll(
      async () => {
        pid = Number(await readFile(file, 'utf8').catch(() => ''));
        return pid;
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThan(0);
  return pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('lock', { timeout: 120_000 }, () => {
  test('runs a command with its fencing token, ends with its exit code, and gives the lock back', async () => {
    const first = await one(['lock', '/l/a', '--', ...printToken]);
    const second = await one(['lock', '/l/a', '--', ...printToken]);
    const token = ({ stdout }: Run): bigint => BigInt(/^token=(\d+)$/m.exec(stdout)![1]!);
    expect(first.stdout).toMatch(/^holding \/l\/a · fencing token \d+ · waited \d+ ms\n/);
    expect(first.stdout).toContain(`fencing token ${token(first)} ·`);
    expect(token(second)).toBeGreaterThan(token(first));
    const failing = await one(['lock', '/l/a', '--', 'node', '-e', 'process.exit(7)']);
    expect(failing.code).toBe(7);
    const missing = await one(['lock', '/l/a', '--', 'there-is-no-such-program']);
    expect([missing.code, missing.stderr.startsWith('COMMAND_NOT_STARTED')]).toEqual([1, true]);
    await using reader = client();
    expect((await reader.exists('/l/a'))?.numChildren ?? 0).toBe(0);
  });

  test('with --json only answers stand on the output stream: that of the command goes to the error stream', async () => {
    const run = await one(['lock', '/l/json', '--json', '--', ...printToken]);
    expect(run.json()).toEqual([expect.objectContaining({ command: 'lock', event: 'acquired', path: '/l/json' })]);
    expect(run.stderr).toBe(`token=${String(run.json()[0]?.fencingToken)}\n`);
  });

  test('excludes the recipe of the client, and is excluded by it; --wait gives up', async () => {
    await using writer = client();
    await using session = await writer.session();
    const held = await new Lock(session, '/l/b').acquire();
    const taken = await one(['lock', '/l/b', '--wait', '300ms']);
    expect([taken.code, taken.stderr.startsWith('LOCK_TAKEN')]).toEqual([1, true]);
    await using waiting = start(['lock', '/l/b']);
    await held.release();
    await waiting.line(({ event }) => event === 'acquired');
    expect(await new Lock(session, '/l/b').tryAcquire()).toBeUndefined();
    expect(await waiting.stop()).toBe(0);
    await using again = await new Lock(session, '/l/b').acquire({ timeoutMs: 20_000 });
    expect(again.token).toBeGreaterThan(held.token);
  });

  test('shared holders hold it together, and keep the others out', async () => {
    await using one1 = start(['lock', '/l/s', '--shared']);
    await one1.line(({ event }) => event === 'acquired');
    await using two = start(['lock', '/l/s', '--shared']);
    await two.line(({ event }) => event === 'acquired');
    const taken = await one(['lock', '/l/s', '--wait', '300ms', '--json']);
    expect(taken.json()).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ code: 'LOCK_TAKEN' }) as unknown }),
    ]);
    expect([await one1.stop(), await two.stop()]).toEqual([0, 0]);
  });

  test('a holder that stood still loses the lock: when it goes on its command is killed', async () => {
    const file = join(parent, 'stood-still');
    await using holder = start(['lock', '/l/c', '--', ...liveOn(file)]);
    await holder.line(({ event }) => event === 'acquired');
    const pid = await pidIn(file);
    holder.kill('SIGSTOP');
    await using next = start(['lock', '/l/c']);
    await next.line(({ event }) => event === 'acquired');
    holder.kill('SIGCONT');
    expect(await holder.line(({ ok }) => ok === false)).toMatchObject({ error: { code: 'HOLD_LOST' } });
    expect(await holder.ended).toBe(1);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('in the shell it is held behind the prompt until it is stopped', async () => {
    const lines = ['lock /l/d', 'jobs', 'ls /l/d', 'stop 1', 'lock /l/d --wait 5s'];
    const answers = (await zkl(['--json', ...at()], { stdin: `${lines.join('\n')}\n` })).json();
    expect(answers.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(answers.find(({ command }) => command === 'jobs')).toMatchObject({ title: 'lock /l/d' });
    expect(answers.find(({ command }) => command === 'ls')).toMatchObject({ children: 1 });
    const tokens = answers
      .filter(({ event }) => event === 'acquired')
      .map(({ fencingToken }) => BigInt(String(fencingToken)));
    expect(tokens).toHaveLength(2);
    expect(tokens[1]).toBeGreaterThan(tokens[0]!);
  });
});

test('elect: one leads; when it is killed another one leads, with a higher token; the end of the command resigns', async () => {
  const [first, second] = [join(parent, 'first'), join(parent, 'second')];
  await using leader = start(['elect', '/e', '--', ...liveOn(first)]);
  const term = await leader.line(({ event }) => event === 'elected');
  const pid = await pidIn(first);
  await using candidate = start(['elect', '/e', '--', ...liveOn(second)]);
  leader.kill('SIGKILL');
  // Nobody can end what a killed program has started: that is what the token is for.
  process.kill(-pid, 'SIGKILL');
  const nextTerm = await candidate.line(({ event }) => event === 'elected');
  expect(BigInt(String(nextTerm.fencingToken))).toBeGreaterThan(BigInt(String(term.fencingToken)));
  const nextPid = await pidIn(second);
  expect(await candidate.stop()).toBe(130);
  await expect.poll(() => isAlive(nextPid)).toBe(false);
  await writeFile(first, '');
  const done = await one(['elect', '/e', '--', 'node', '-e', 'process.exit(3)']);
  expect(done.code).toBe(3);
}, 120_000);
