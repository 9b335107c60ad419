import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProcessCluster, startProcessCluster } from '@zkl/cli/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Run, zkl } from './run-zkl.js';

let parent: string;
let cluster: ProcessCluster;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'zkl-commands-'));
  cluster = await startProcessCluster({ size: 3, folder: join(parent, '.zkl') });
}, 120_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(parent, { recursive: true });
});

const one = (words: readonly string[]): Promise<Run> => zkl([...words, '--folder', cluster.folder]);
const shell = (lines: readonly string[], words: readonly string[] = []): Promise<Run> =>
  zkl([...words, '--folder', cluster.folder], { stdin: `${lines.join('\n')}\n` });

describe('one-shot commands', { timeout: 120_000 }, () => {
  test('the endpoints come from the option, from the environment, or from the cluster file', async () => {
    const endpoints = cluster.endpoints.join(',');
    const [byOption, byEnvironment, byFile, none] = await Promise.all([
      zkl(['status', '--json', '--endpoints', endpoints]),
      zkl(['status', '--json'], { environment: { ZKL_ENDPOINTS: endpoints } }),
      one(['status', '--json']),
      zkl(['read', '--folder', join(parent, 'missing')]),
    ]);
    for (const run of [byOption, byEnvironment, byFile]) {
      expect(run.json().map(({ id, address, serving }) => [id, address, serving])).toEqual(
        cluster.members.map(({ id, address }) => [id, address, true]),
      );
    }
    expect([none.code, none.stderr.startsWith('NO_CLUSTER ')]).toEqual([1, true]);
  });

  test('every answer tells where it stands in the order, the version, the leader, and the time that it took', async () => {
    const leader = await cluster.leader();
    const [written] = (await one(['write', 'two words', '--json'])).json();
    expect(written).toMatchObject({
      ok: true,
      value: 'two words',
      leader: leader.id,
      elapsedMs: expect.any(Number) as number,
    });
    const text = (await one(['read'])).stdout;
    expect(text).toMatch(/^"two words"\nwritten at zxid 0x[0-9a-f]+ \(\d+:\d+\) · guesses \d+, hits \d+\n/);
    expect(text).toMatch(
      /version \d+ · zxid 0x[0-9a-f]+ \(\d+:\d+\) · leader \d · answered by server \d · linearizable · [\d.]+ ms\n$/,
    );
  });

  test('an error tells what happened, that nothing was written, and what to do; the exit code is not 0', async () => {
    const missing = await one(['get', '/nowhere']);
    expect([missing.code, missing.stdout]).toEqual([1, '']);
    expect(missing.stderr).toMatch(/^NO_NODE {2}.*\n {2}to do /);
    const exists = await one(['create', '/zkl']);
    expect(exists.code).toBe(1);
    expect(exists.stderr).toMatch(/^NODE_EXISTS {2}.*\n {2}effect {2}none: it was ordered at zxid .*\n {2}to do /);
    const usage = await one(['wriet', '1']);
    expect([usage.code, usage.stderr.includes('Did you mean write?')]).toEqual([2, true]);
    const path = await one(['get', 'a', '--json']);
    expect(path.json()).toEqual([
      { ok: false, command: 'get', error: expect.objectContaining({ code: 'BAD_ARGUMENTS' }) as unknown },
    ]);
  });

  test('--raw gives the bytes and nothing else', async () => {
    await one(['create', '/raw', 'a\nb']);
    expect((await one(['get', '/raw', '--raw'])).stdout).toBe('a\nb');
  });

  test('a majority that is not there: a clear error within the deadline, and nothing is written', async () => {
    const leader = await cluster.leader();
    const others = cluster.members.filter(({ id }) => id !== leader.id);
    await Promise.all(others.map(({ id }) => cluster.kill(id)));
    const began = performance.now();
    const [write, local, status] = await Promise.all([
      one(['write', 'lonely', '--timeout', '3000', '--json']),
      one(['read', '--consistency', 'local', '--server', String(leader.id), '--json']),
      one(['cluster', 'status']),
    ]);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(write.code).not.toBe(0);
    expect(write.json()[0]).toMatchObject({ ok: false, error: { retryable: true } });
    expect(local.json()[0]).toMatchObject({ ok: true, server: leader.id });
    expect(status.stdout).toContain('no leader');
    await cluster.spawn();
    await cluster.serving();
  });
});

describe('the shell, with lines piped in', { timeout: 120_000 }, () => {
  test('runs the lab: connect, write, guess, read, help', async () => {
    const run = await shell([
      'connect 2',
      'write 42',
      'guess 41',
      'guess 42',
      'read',
      'help guess',
      'exit',
      'write 43',
    ]);
    expect([run.code, run.stderr]).toEqual([0, '']);
    const lines = run.stdout.split('\n');
    expect(lines[0]).toMatch(/^connected to server 2 only: 127\.0\.0\.1:\d+, it (leads|follows server \d), epoch \d+$/);
    expect(run.stdout).toContain('written "42"');
    expect(run.stdout).toContain('miss: the value is not "41"');
    expect(run.stdout).toContain('hit: the value is "42"');
    expect(run.stdout).toContain('answered by server 2');
    expect(run.stdout).toContain('A guess is a question that travels like a write');
    expect(run.stdout).not.toContain('written "43"');
  });

  test('runs the tree, with --json for all lines', async () => {
    const lines = [
      'create /t "" # a comment',
      'create "/t/a b" "x y"',
      'create /t/task- --sequential',
      'set "/t/a b" z --if-version 0',
      'set "/t/a b" z --if-version 0',
      'get "/t/a b"',
      'ls /t --stat',
      'stat /t',
      'delete /t',
      'delete "/t/a b"',
      'history 3',
    ];
    const run = await shell(lines, ['--json']);
    expect([run.code, run.stderr]).toEqual([1, '']);
    const answers = run.json();
    expect(answers.slice(0, 6)).toEqual([
      expect.objectContaining({ ok: true, command: 'create', path: '/t', version: 0 }),
      expect.objectContaining({ ok: true, command: 'create', path: '/t/a b' }),
      expect.objectContaining({ ok: true, command: 'create', path: '/t/task-0000000001' }),
      expect.objectContaining({ ok: true, command: 'set', version: 1 }),
      {
        ok: false,
        command: 'set',
        error: expect.objectContaining({ code: 'BAD_VERSION', outcome: 'rejected' }) as unknown,
      },
      expect.objectContaining({ ok: true, command: 'get', value: 'z', version: 1 }),
    ]);
    expect(answers.slice(6).map(({ ok, command, name, line }) => [ok, command ?? name ?? line])).toEqual([
      ...[
        [true, 'a b'],
        [true, 'task-0000000001'],
        [true, 'ls'],
        [true, 'stat'],
        [false, 'delete'],
        [true, 'delete'],
      ],
      ...[
        [true, 'history'],
        [true, 'history'],
        [true, 'history'],
      ],
    ]);
  });

  test('a line that is wrong does not end it; the exit code tells that one failed', async () => {
    const run = await shell(['wriet 1', 'write "open', 'ls / --bar', 'read --json']);
    expect(run.code).toBe(1);
    expect(run.stderr.match(/USAGE/g)).toHaveLength(3);
    expect(run.json()).toEqual([expect.objectContaining({ command: 'read' })]);
  });

  test('a follower answers with what its client has just written through it', async () => {
    const leader = await cluster.leader();
    const follower = cluster.members.find(({ id }) => id !== leader.id)!;
    const lines = [`connect ${follower.id}`, 'write through-a-follower', 'read --consistency local'];
    const answers = (await shell(lines, ['--json'])).json();
    expect(answers[0]).toMatchObject({ pinned: follower.id, server: follower.id, leader: leader.id });
    expect(answers[1]).toMatchObject({ ok: true, server: follower.id, leader: leader.id });
    expect(answers[2]).toMatchObject({
      value: 'through-a-follower',
      server: follower.id,
      version: answers[1]?.version,
    });
  });
});
