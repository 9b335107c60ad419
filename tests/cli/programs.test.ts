import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { createClient } from '@zkl/client-sdk';
import { openProcessCluster } from '@zkl/cli/cluster';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, zkl } from './run-zkl.js';

const startProgram = fileURLToPath(new URL('../../packages/cli/src/start.ts', import.meta.url));
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

let folder: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zkl-start-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await openProcessCluster(join(folder, '.zkl')).then(
    (cluster) => cluster.destroy(),
    () => undefined,
  );
  await rm(folder, { recursive: true, force: true });
});

/** Runs `start` in a folder of its own, as `npm start` does in the repository's. */
function start(): {
  readonly child: ChildProcess;
  line(pattern: RegExp): Promise<RegExpExecArray>;
  readonly lines: string[];
} {
  const started = spawn(process.execPath, ['--import', loader, '--conditions', '@zkl/source', startProgram], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: started.stdout });
  reader.on('line', (line) => lines.push(line));
  const line = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = lines.map((text) => pattern.exec(text)).find((match) => match !== null);
      if (found) return found;
      if (started.exitCode !== null) throw new Error(`start ended with ${started.exitCode}:\n${lines.join('\n')}`);
      await Promise.race([once(reader, 'line'), once(started, 'exit')]);
    }
  };
  return { child: started, line, lines };
}

test(
  'npm start without a terminal: serves, and stops its servers at SIGTERM; the data is there the next time',
  { timeout: 240_000 },
  async () => {
    const first = start();
    child = first.child;
    const endpoints = (await first.line(/^endpoints (.+)$/))[1]!.split(',');
    expect(endpoints).toHaveLength(3);
    await first.line(/serving until SIGTERM/);
    {
      await using client = createClient({ endpoints });
      await client.register.write('kept');
    }

    // A second one finds the cluster, uses it, and leaves it alone when it ends.
    const second = start();
    await second.line(/they run already/);
    await second.line(/serving until SIGTERM/);
    second.child.kill('SIGTERM');
    expect((await once(second.child, 'exit'))[0]).toBe(0);
    const read = await zkl(['read', '--json', '--folder', join(folder, '.zkl')]);
    expect(read.json()).toEqual([expect.objectContaining({ value: 'kept' })]);

    first.child.kill('SIGTERM');
    expect((await once(first.child, 'exit'))[0]).toBe(0);
    expect(first.lines.at(-1)).toBe('stopped server 1, 2, 3; the data stays in ./.zkl');
    await using cluster = await openProcessCluster(join(folder, '.zkl'));
    expect((await cluster.status()).map(({ process }) => process)).toEqual(['stopped', 'stopped', 'stopped']);
  },
);

test('npm run demo: the whole story, every step of it checked', { timeout: 240_000 }, async () => {
  const demo = await run('packages/cli/src/demo.ts', [], { timeoutMs: 230_000 });
  expect(demo.stderr).toBe('');
  expect(demo.code).toBe(0);
  expect(demo.stdout).toMatch(/none of \d+ acknowledged writes is lost/);
  expect(demo.stdout).toMatch(/five digests at zxid .*, all equal/);
  expect(demo.stdout).toMatch(/All is well: \d+ checks held/);
});
