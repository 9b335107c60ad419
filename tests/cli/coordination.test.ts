import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@zkl/client-sdk';
import { type ProcessCluster, startProcessCluster } from '@zkl/cli/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startZkl, type Run, zkl } from './run-zkl.js';

let parent: string;
let cluster: ProcessCluster;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'zkl-coordination-'));
  cluster = await startProcessCluster({ size: 1, folder: join(parent, '.zkl') });
}, 120_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(parent, { recursive: true });
});

const at = (): string[] => ['--folder', cluster.folder];
const one = (words: readonly string[], stdin = ''): Promise<Run> => zkl([...words, ...at()], { stdin });
const shell = (lines: readonly string[], words: readonly string[] = ['--json']): Promise<Run> =>
  zkl([...words, ...at()], { stdin: `${lines.join('\n')}\n` });
const client = () => createClient({ endpoints: cluster.endpoints });

describe('znodes that go by themselves', { timeout: 120_000 }, () => {
  test('the shell opens a session for the first ephemeral znode, and takes it along when it ends', async () => {
    const lines = [
      'session',
      'create /eph',
      'create /eph/me here -e',
      'create /eph/n- -e -s',
      'session',
      'ls /eph --stat',
    ];
    const run = await shell([...lines, 'session close', 'session', 'create /eph/again -e', 'ls /eph']);
    expect([run.code, run.stderr]).toEqual([0, '']);
    const answers = run.json();
    const sessions = answers.filter(({ command }) => command === 'session');
    expect(sessions.map(({ state }) => state)).toEqual(['none', 'connected', 'closed', 'none']);
    expect(sessions[1]).toMatchObject({ timeoutMs: 10_000, id: expect.stringMatching(/^0x/) as string });
    const owners = answers.filter(({ name }) => name === 'me' || name === 'n-0000000001');
    expect(owners.map(({ stat }) => (stat as { ephemeralOwner: string }).ephemeralOwner)).toEqual([
      sessions[1]?.id,
      sessions[1]?.id,
    ]);
    expect(answers.at(-2)).toMatchObject({ name: 'again' });
    await using reader = client();
    expect((await reader.listChildren('/eph')).children).toEqual([]);
  });

  test('outside a shell an ephemeral znode stays until Ctrl-C', async () => {
    await using held = startZkl(['create', '/held', 'x', '-e', '--session-timeout', '2s', '--json', ...at()]);
    const created = await held.line((line) => line.command === 'create');
    expect(created).toMatchObject({ ok: true, path: '/held', created: true });
    await using reader = client();
    expect((await reader.exists('/held'))?.ephemeralOwner).not.toBe(0n);
    expect(await held.stop()).toBe(0);
    expect(await reader.exists('/held')).toBeUndefined();
  });

  test('containers, times to live, and creation if there is none', async () => {
    const lines = [
      'create /kinds',
      'create /kinds/c -c',
      'create /kinds/t x --ttl 1h',
      'create /kinds/t y --if-absent',
    ];
    const answers = (await shell([...lines, 'get /kinds/t', 'create /kinds/t -e -c'])).json();
    expect(answers.slice(0, 4).map(({ created }) => created)).toEqual([true, true, true, false]);
    expect(answers[4]).toMatchObject({ value: 'x' });
    expect(answers[5]).toMatchObject({ ok: false, error: { code: 'USAGE' } });
  });
});

describe('subtrees', { timeout: 120_000 }, () => {
  test('ls -R, count and delete -R', async () => {
    const made = ['create /s', 'create /s/a', 'create /s/a/b', 'create /s/a/b/c x', 'create /s/d'];
    const answers = (await shell([...made, 'ls -R /s', 'count /s', 'delete /s/a', 'delete -R /s', 'count /s'])).json();
    expect(answers.slice(5, 10).map(({ path, descendants }) => descendants ?? path)).toEqual([
      ...['/s/a', '/s/a/b', '/s/a/b/c', '/s/d'],
      4,
    ]);
    expect(answers[10]).toMatchObject({ command: 'count', count: 4 });
    expect(answers[11]).toMatchObject({ ok: false, error: { code: 'NOT_EMPTY' } });
    expect(answers[12]).toMatchObject({ command: 'delete', deleted: 5 });
    expect(answers[13]).toMatchObject({ ok: false, error: { code: 'NO_NODE' } });
    const text = await shell(['create /s2', 'create /s2/x', 'ls -R /s2', 'delete -R /s2'], []);
    expect(text.stdout).toMatch(/^\/s2\/x\n1 znode\n/m);
    expect(text.stdout).toContain('deleted /s2: 2 znodes\n');
  });

  test('a quota is set, shown, kept, and taken away', async () => {
    const lines = [
      'create /q',
      'quota /q',
      'quota set /q --count-hard 2 --bytes-soft 100',
      'create /q/1 abc',
      'create /q/2',
    ];
    const answers = (await shell([...lines, 'quota /q', 'quota remove /q', 'create /q/2', 'quota set /q'])).json();
    expect(answers[1]).toMatchObject({ quota: null });
    expect(answers[4]).toMatchObject({ ok: false, error: { code: 'QUOTA_EXCEEDED', outcome: 'rejected' } });
    expect(answers[5]).toMatchObject({ quota: { countHard: 2, bytesSoft: 100 }, count: 2, bytes: 3 });
    expect(answers[7]).toMatchObject({ ok: true, path: '/q/2' });
    expect(answers[8]).toMatchObject({ ok: false, error: { code: 'USAGE' } });
  });
});

describe('transactions', { timeout: 120_000 }, () => {
  test('from words, from quoted statements and from standard input; what fails leaves no trace', async () => {
    const [first] = (await one(['txn', 'create', '/t', 'x', ';', 'create', '/t/a', '--json'])).json();
    expect(first).toMatchObject({ ok: true, branch: 'then', committed: true });
    expect((first?.results as { kind: string }[]).map(({ kind }) => kind)).toEqual(['created', 'created']);
    const lines = 'compare value /t = other\nset /t y\nelse\nget /t\nexists /t/none\n';
    const chosen = await one(['txn', '--json'], lines);
    expect(chosen.json()[0]).toMatchObject({
      ...{ branch: 'else', committed: true },
      results: [
        { kind: 'got', value: 'x' },
        { kind: 'existed', stat: null },
      ],
    });
    const failed = await one(['txn', 'set /t z', 'check /t 7', 'delete /t/a']);
    expect([failed.code, failed.stdout]).toEqual([1, '']);
    expect(failed.stderr).toMatch(
      /^BAD_VERSION {2}.*\n {2}ok {2}set \/t z\n {2}BAD_VERSION {2}check \/t 7\n {2}not done {2}delete \/t\/a\n {2}effect {2}none: it was ordered at zxid 0x/,
    );
    expect((await one(['get', '/t', '--raw'])).stdout).toBe('x');
  });

  test('an ephemeral znode of a transaction belongs to the shell', async () => {
    const run = await shell(['txn create /te ; create /te/me x -e', 'stat /te/me', 'session']);
    const [, stat, session] = run.json();
    expect((stat?.stat as { ephemeralOwner: string }).ephemeralOwner).toBe(session?.id);
  });
});

describe('watches', { timeout: 120_000 }, () => {
  test('in the shell they go on behind the prompt: nothing after the line is missed, until it is stopped', async () => {
    const lines = [
      'create /w',
      'watch /w --scope subtree --data',
      'jobs',
      'create /w/a 1',
      'set /w/a 2',
      'delete /w/a',
    ];
    const run = await shell([...lines, 'stop 1', 'set /w unseen', 'stop 1', 'stop']);
    const answers = run.json();
    const events = answers.filter(({ command }) => command === 'watch');
    expect(events.map(({ event, path, value }) => [event, path, value])).toEqual([
      ['created', '/w/a', '1'],
      ['set', '/w/a', '2'],
      ['deleted', '/w/a', undefined],
    ]);
    const writes = answers.filter(({ command, path }) => command !== 'watch' && path === '/w/a');
    expect(events.map(({ zxid }) => zxid)).toEqual(writes.map(({ zxid }) => zxid));
    expect(answers.find(({ command }) => command === 'jobs')).toMatchObject({
      job: 1,
      title: 'watch /w',
    });
    expect(answers.filter(({ ok }) => ok === false)).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ message: 'there is no job 1' }) as unknown }),
    ]);
  });

  test('get -w goes on from the state that it showed, until Ctrl-C', async () => {
    await using writer = client();
    await writer.create('/gw', 'one');
    await using running = startZkl(['get', '/gw', '-w', '--json', ...at()]);
    expect(await running.line((line) => line.command === 'get')).toMatchObject({ value: 'one' });
    await writer.set('/gw', 'two');
    expect(await running.line((line) => line.event === 'set')).toMatchObject({ path: '/gw', value: 'two' });
    expect(await running.stop()).toBe(0);
  });

  test('from a zxid: what has happened since is told; --count ends it', async () => {
    await using writer = client();
    const { zxid } = await writer.create('/from');
    await writer.create('/from/a');
    await writer.create('/from/b');
    const words = ['watch', '/from', '--scope', 'children', '--from', `0x${zxid.toString(16)}`, '--count', '2'];
    const run = await one([...words, '--json']);
    expect(run.code).toBe(0);
    expect(run.json().map(({ event, path }) => [event, path])).toEqual([
      ['created', '/from/a'],
      ['created', '/from/b'],
    ]);
  });
});

test('a reader that has seen enough ends a watch without an error', { timeout: 60_000 }, async () => {
  await using writer = client();
  await writer.create('/pipe');
  const { command, args, options } = startZkl.commandLine(['watch', '/pipe', '--from', '0x0', ...at()]);
  const shown = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const stderr: string[] = [];
  shown.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
  const ended = new Promise((resolve) => shown.once('exit', (code, signal) => resolve(code ?? signal)));
  await new Promise((resolve) => shown.stdout.once('data', resolve));
  shown.stdout.destroy();
  // It notices when it writes the next time.
  const write = async (): Promise<number | null> => {
    await writer.set('/pipe', 'x');
    return shown.exitCode;
  };
  await expect.poll(write, { timeout: 20_000 }).not.toBeNull();
  expect([await ended, stderr]).toEqual([0, []]);
});
