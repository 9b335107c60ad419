import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openProcessCluster } from '@zkl/cli/cluster';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fromSource = ['--import', 'tsx', '--conditions', '@zkl/source'];
/** Made before the tests (tests/build). */
const { CLI_PROGRAM_UNDER_TEST, ZKL_SERVER_PROGRAM = '' } = process.env;

/** Without the settings of whoever runs the tests; with the server that was built for them. */
function environment(): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ZKL_') && name !== 'NO_COLOR');
  return { ...Object.fromEntries(inherited), ZKL_SERVER_PROGRAM };
}

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

/** Runs `zkl` as a process, to its end. */
export function zkl(words: readonly string[], options: RunOptions = {}): Promise<Run> {
  return runNode([CLI_PROGRAM_UNDER_TEST!, ...words], options);
}

/** Runs one of our programs from its source to its end; one that does not end in time is killed, and its code is null. */
export function run(program: string, words: readonly string[], options: RunOptions = {}): Promise<Run> {
  return runNode([...fromSource, program, ...words], options);
}

function runNode(args: readonly string[], options: RunOptions): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...environment(), ...options.environment },
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

/** A `zkl` that goes on until it is stopped. */
export interface RunningZkl extends AsyncDisposable {
  /** The first line of its output that fits, of those that came and those to come. @throws when it ends before. */
  line(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  readonly stderr: () => string;
  /** Sends it SIGINT, as Ctrl-C does. @returns Its exit code. */
  stop(): Promise<number | null>;
  /** Sends it a signal. */
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts `zkl --json` as a process that is killed at the end of the test at the latest. */
export function startZkl(words: readonly string[]): RunningZkl {
  const { command, args, options } = startZkl.commandLine(words);
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const lines: Record<string, unknown>[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  return {
    ended,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    line: async (fits) => {
      for (;;) {
        const found = lines.find(fits);
        if (found) return found;
        if (hasEnded) throw new Error(`zkl has ended:\n${JSON.stringify(lines)}\n${stderr}`);
        await Promise.race([once(reader, 'line'), ended]);
      }
    },
    stop: () => {
      child.kill('SIGINT');
      return ended;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** How `zkl` is started. */
startZkl.commandLine = (words: readonly string[]) => ({
  command: process.execPath,
  args: [CLI_PROGRAM_UNDER_TEST!, ...words],
  options: { cwd: root, env: environment() },
});

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
