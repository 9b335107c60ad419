import { build } from 'esbuild';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type * as source from './index.js';
import { TestCluster } from './testing/test-cluster.js';

type Package = typeof source;

let folder: string;
let cluster: TestCluster;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zkl-formats-'));
  cluster = await TestCluster.start(1);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function bundle(format: 'esm' | 'cjs', file: string): Promise<string> {
  const outfile = join(folder, file);
  const entryPoints = [fileURLToPath(new URL('./index.ts', import.meta.url))];
  await build({
    entryPoints,
    outfile,
    format,
    bundle: true,
    platform: 'node',
    conditions: ['@zkl/source'],
    logLevel: 'silent',
  });
  return outfile;
}

it('works as ESM and as CommonJS, also both in one process', async () => {
  const esm = (await import(pathToFileURL(await bundle('esm', 'zkl.mjs')).href)) as Package;
  const cjs = createRequire(import.meta.url)(await bundle('cjs', 'zkl.cjs')) as Package;
  expect(cjs.createClient).not.toBe(esm.createClient);
  for (const { createClient } of [esm, cjs]) {
    await using client = createClient({ endpoints: cluster.endpoints });
    await client.register.write('x');
    expect((await client.register.read()).text()).toBe('x');
  }
  await using client = cjs.createClient({ endpoints: cluster.endpoints });
  const error: unknown = await client.get('/none').catch((thrown: unknown) => thrown);
  expect(error).not.toBeInstanceOf(esm.NoNodeError);
  expect(esm.isZklError(error, 'NO_NODE')).toBe(true);
});
