import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@zkl/client-sdk';
import { type ProcessCluster, startProcessCluster } from '@zkl/cli/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from './run-zkl.js';

/** Every example is a program that ends; its README shows what it prints, and that is what is expected here, line by line. */
const folder = new URL('../../examples/', import.meta.url);
const examples = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());

let parent: string;
let cluster: ProcessCluster;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'zkl-examples-'));
  cluster = await startProcessCluster({ size: 3, folder: join(parent, '.zkl') });
}, 120_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(parent, { recursive: true });
});

const page = (name: string): Promise<string> => readFile(new URL(`${name}/README.md`, folder), 'utf8');

/** What the page shows; a line `...` stands for any number of lines, and `<...>` within one for anything. */
function shown(text: string): RegExp {
  const block = /^```text\n(.*?)^```/ms.exec(text)?.[1] ?? '';
  expect(block).not.toBe('');
  const literal = (part: string): string => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = block.split('\n').filter((line) => line !== '');
  const patterns = lines.map((line) =>
    line === '...'
      ? '(?:.*\n)*?'
      : `${line
          .split(/<[^>]*>/)
          .map(literal)
          .join('.*')}\n`,
  );
  return new RegExp(`^${patterns.join('')}$`);
}

describe.each(examples.map(({ name }) => name))('%s', (name) => {
  test('on three servers: prints what its page shows, and leaves nothing behind', { timeout: 120_000 }, async () => {
    const environment = { ZKL_ENDPOINTS: cluster.endpoints.join(',') };
    const done = await run(`examples/${name}/main.ts`, [], { environment });
    expect([done.code, done.stderr]).toEqual([0, '']);
    expect(done.stdout).toMatch(shown(await page(name)));
    await using client = createClient({ endpoints: cluster.endpoints });
    expect((await client.listChildren('/')).children).toEqual([]);
  });

  test('with a server of its own: prints the same', { timeout: 120_000 }, async () => {
    const done = await run(`examples/${name}/main.ts`, []);
    expect([done.code, done.stderr]).toEqual([0, '']);
    expect(done.stdout).toMatch(shown(await page(name)));
  });
});
