import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openProcessCluster } from '@zkl/cli/cluster';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fromSource = ['--import', 'tsx', '--conditions', '@zkl/source'];

/** What a program wrote, and how it ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout as JSON objects. @throws when one is none. */
  readonly json: () => Record<string, unknown>[];
}

export interface RunOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs `zkl` from its source, as a process, to its end. */
export function zkl(words: readonly string[], options: RunOptions = {}): Promise<Run> {
  return run('packages/cli/src/bin/zkl.ts', words, options);
}

/** Runs one of our programs to its end; one that does not end in time is killed, and its code is null. */
export function run(program: string, words: readonly string[], options: RunOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ZKL_') && name !== 'NO_COLOR');
    const child = spawn(process.execPath, [...fromSource, program, ...words], {
      cwd: root,
      env: { ...Object.fromEntries(inherited), ...options.environment },
      timeout: options.timeoutMs ?? 90_000,
      killSignal: 'SIGKILL',
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, json: () => toObjects(stdout) }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
  });
}

/** A folder that is removed with whatever runs in it. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const parent = await mkdtemp(join(tmpdir(), 'zkl-cli-'));
  const path = join(parent, 'cluster');
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await openProcessCluster(path).then(
        (cluster) => cluster.destroy(),
        () => undefined,
      );
      await rm(parent, { recursive: true, force: true });
    },
  };
}

function toObjects(text: string): Record<string, unknown>[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
