import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ProcessCluster, startProcessCluster } from '@zkl/cli/cluster';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, zkl } from './run-zkl.js';

/** The front page and the tour are programs that people run by hand: here they are run by a machine, word for word. */
const root = new URL('../../', import.meta.url);
const page = (name: string): Promise<string> => readFile(new URL(name, root), 'utf8');
const typed = (text: string): string[] => [...text.matchAll(/^zkl> (.+)$/gm)].map((match) => match[1]!);
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^ *\`\`\`${language}\n(.*?)^ *\`\`\``, 'gms'))].map((match) => match[1]!);

let parent: string;
let cluster: ProcessCluster;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'zkl-readme-'));
  await symlink(fileURLToPath(new URL('node_modules', root)), join(parent, 'node_modules'));
  cluster = await startProcessCluster({ size: 3, folder: join(parent, '.zkl') });
}, 120_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(parent, { recursive: true });
});

const shell = (lines: readonly string[]) =>
  zkl(['--json', '--folder', cluster.folder], { stdin: `${lines.join('\n')}\n` });

/** The pages take the leader for server 3, and kill it: here it may be another. */
async function withRealIds(lines: readonly string[]): Promise<string[]> {
  const leader = await cluster.leader();
  return lines.map((line) => (line.startsWith('cluster restart ') ? `cluster restart ${leader.id}` : line));
}

/** What the watches told. */
const watched = (answers: readonly Record<string, unknown>[]): string[] =>
  answers.filter(({ command }) => command === 'watch').map(({ event, path }) => `${String(event)} ${String(path)}`);

test("the front page's tour: every line that is typed there does what it says", { timeout: 120_000 }, async () => {
  const lines = typed(await page('README.md'));
  expect(lines.length).toBeGreaterThan(12);
  const done = await shell(await withRealIds(lines));
  const answers = done.json();
  expect(answers.filter(({ ok }) => ok !== true)).toEqual([]);
  expect([done.code, done.stderr]).toEqual([0, '']);
  const guesses = answers.filter(({ command }) => command === 'guess');
  expect(guesses.map(({ matched }) => matched)).toEqual([false, true]);
  const reads = answers.filter(({ command }) => command === 'read');
  expect(reads.map(({ value }) => value)).toEqual(['42', '42']);
  expect(answers.filter(({ event }) => event !== undefined).map(({ event }) => event)).toContain('elected');
  // The lock's own znodes are made by the session, and may be told of later than the shell lives.
  expect(watched(answers).slice(0, 3)).toEqual(['set /app/config', 'created /app/done', 'deleted /app/me']);
  expect(answers.find(({ command }) => command === 'lock')).toMatchObject({ event: 'acquired', path: '/app/lock' });
});

test(
  'the guided tour: its lines do what it says, those that are to be refused included',
  { timeout: 240_000 },
  async () => {
    const text = (await page('docs/tour.md')).replace(/^zkl> (create|set|get|ls) \/app/gm, 'zkl> $1 /tour');
    const lines = typed(text);
    const at = lines.indexOf('cluster kill-leader');
    const [before, after] = [lines.slice(0, at + 1), lines.slice(at + 1)];
    const first = await shell(before);
    expect(first.json().filter(({ ok }) => ok !== true)).toEqual([]);
    // From here on the page takes the ids from what `status` shows: two of three are down, and come back.
    const leader = await cluster.leader();
    const down = (await cluster.status()).find(({ process }) => process !== 'running')!.id;
    const other = cluster.members.find(({ id }) => id !== leader.id && id !== down)!.id;
    const real = after
      .map((line) => line.replace(/^cluster kill 1$/, `cluster kill ${other}`))
      .flatMap((line) =>
        line === 'cluster restart 1' ? [`cluster restart ${other}`, `cluster restart ${down}`] : [line],
      );
    expect(real).toContain(`cluster restart ${other}`);
    const second = (await shell(real)).json();
    const refused = second.filter(({ ok }) => ok !== true) as { command: string; error: { code: string } }[];
    expect(refused.map(({ command, error }) => [command, error.code])).toEqual([
      ['write', expect.stringMatching(/^NO_(QUORUM|LEADER)$/)],
      ['set', 'BAD_VERSION'],
    ]);
    expect(second.filter(({ command }) => command === 'read').map(({ value }) => value)).toEqual(['world']);
    expect(watched(second)).toEqual(['created /crew/anna', 'set /crew/anna']);
    const sessions = second.filter(({ command }) => command === 'session');
    expect(sessions.map(({ state }) => state)).toEqual(['connected', 'closed']);
    expect(
      second.filter(({ command }) => command === 'ls').map(({ children, descendants }) => children ?? descendants),
    ).toEqual([3, 1, 0, 2]);
    expect(
      second.filter(({ command }) => command === 'txn').map(({ committed, branch }) => [committed, branch]),
    ).toEqual([
      [true, 'then'],
      [true, 'then'],
    ]);
    expect(second.find(({ command }) => command === 'lock')).toMatchObject({ event: 'acquired' });
  },
);

test('the programs of the front page run', { timeout: 120_000 }, async () => {
  const programs = blocks(await page('README.md'), 'ts');
  expect(programs).toHaveLength(2);
  for (const [index, program] of programs.entries()) {
    const file = join(parent, `program-${index}.mts`);
    const local = program
      .replace(/zkl:\/\/[^']+/, `zkl://${cluster.endpoints.join(',')}`)
      .replace('./zkl-data', join(parent, 'embedded'));
    await writeFile(file, local);
    const done = await run(file, []);
    expect([done.code, done.stderr]).toEqual([0, '']);
    expect(done.stdout).toMatch([/^hello, world\n$/, /^serving on port \d+\n$/][index]!);
  }
});

test('the request that needs no SDK is answered', async () => {
  const line = (await page('README.md')).split('\n').find((text) => text.startsWith('curl '))!;
  const path = /127\.0\.0\.1:7001(\S+)/.exec(line)![1]!;
  const body = /-d '([^']+)'/.exec(line)![1]!;
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`http://${cluster.endpoints[0]}${path}`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  expect(await response.json()).toHaveProperty('header.zxid');
});
