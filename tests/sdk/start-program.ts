import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A line of a program's output: a JSON object that says in `event` what it is. */
export type Line = Readonly<Record<string, unknown>>;

/** A program that runs as a process of its own, and is killed at the end of the test at the latest. */
export interface RunningProgram extends AsyncDisposable {
  /** The lines so far. */
  readonly lines: readonly Line[];
  /** The first line of this kind, of those that came and those to come. @throws when the program ends before. */
  line(event: string): Promise<Line>;
  /** Writes a line to its input. */
  say(text: string): void;
  signal(name: NodeJS.Signals): void;
}

/** Starts a program of `programs/` from its source. */
export function startProgram(file: string, words: readonly string[]): RunningProgram {
  const program = fileURLToPath(new URL(`programs/${file}`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions', '@zkl/source', program, ...words], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  const lines: Line[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(JSON.parse(line) as Line));
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve())).then(() => {
    hasEnded = true;
  });
  return {
    lines,
    line: async (event) => {
      for (;;) {
        const found = lines.find((line) => line.event === event);
        if (found !== undefined) return found;
        if (hasEnded) throw new Error(`${file} has ended:\n${JSON.stringify(lines)}\n${stderr}`);
        await Promise.race([once(reader, 'line'), ended]);
      }
    },
    say: (text) => void child.stdin.write(`${text}\n`),
    signal: (name) => void child.kill(name),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
