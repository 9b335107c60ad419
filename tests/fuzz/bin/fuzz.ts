/** `npm run fuzz`: coverage-guided fuzzing of every decoder, for as long as one likes. Each target runs in a process that is watched. */
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allTargets } from '../all-targets.js';
import { judge } from '../engine/fuzz.js';
import { hashOf } from '../engine/random.js';
import type { FuzzTarget } from '../engine/target.js';
import type { ProcessData, Told } from './fuzz-process.js';

const USAGE = `usage:
  npm run fuzz                                   every target, a minute in all
  npm run fuzz -- --seconds 600 --target NAME    those whose name begins so; the seconds are divided among them
  npm run fuzz -- --target NAME --input FILE     one input, as it was found
  npm run fuzz -- --list                         the targets, and what each covers

options:
  --seed <n>       default: from the clock
  --corpus <dir>   what was worth keeping, read and added to; default reports/fuzz`;

/** An input that takes so long is a hang. */
const HANG_MS = 20_000;

interface Run {
  readonly seed: number;
  readonly seconds: number;
  readonly folder: string;
}

/** The count of inputs, and the input that is tried now, as the process notes them. */
function noted(file: string): { readonly count: number; readonly input: Uint8Array } {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(8);
  return { count: bytes.readUInt32LE(0), input: new Uint8Array(bytes.subarray(8, 8 + bytes.readUInt32LE(4))) };
}

/** Runs a target in a process of its own: false when something was found. */
function runTarget(target: FuzzTarget, { seed, seconds, folder }: Run): Promise<boolean> {
  mkdirSync(folder, { recursive: true });
  const now = join(folder, 'now');
  const data: ProcessData = { name: target.name, seed, seconds, folder, now };
  const child = fork(fileURLToPath(new URL('fuzz-process.ts', import.meta.url)), [JSON.stringify(data)], {
    serialization: 'advanced',
  });
  const finding = (input: Uint8Array, what: string): false => {
    const file = join(folder, `found-${hashOf(what + input.length).toString(16)}`);
    writeFileSync(file, input);
    console.error(`FOUND by ${target.name}: ${what}\n  npm run fuzz -- --target ${target.name} --input ${file}`);
    return false;
  };
  return new Promise((resolve) => {
    let isOver = false;
    let seen = -1;
    const watchdog = setInterval(() => {
      const { count, input } = noted(now);
      if (count !== seen) seen = count;
      else {
        resolve(finding(input, `an input took more than ${HANG_MS} ms`));
        child.kill('SIGKILL');
      }
    }, HANG_MS);
    child.on('message', (told: Told) => {
      isOver = true;
      if (told.kind === 'found') resolve(finding(told.input, told.what));
      else console.log(`${target.name.padEnd(26)} ${told.line}`);
    });
    child.on('exit', (code, signal) => {
      clearInterval(watchdog);
      resolve(isOver || finding(noted(now).input, `the process ended with ${code ?? signal}`));
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      target: { type: 'string', default: '' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      corpus: { type: 'string', default: 'reports/fuzz' },
      input: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const chosen = allTargets.filter(({ name }) => name.startsWith(values.target));
  if (values.help || chosen.length === 0) return console.log(USAGE);
  if (values.list) return chosen.forEach(({ name, covers }) => console.log(`${name}\n  ${covers.join('\n  ')}`));
  const [first] = chosen;
  if (values.input !== undefined && first !== undefined) {
    const { outcome, error } = await judge(first, new Uint8Array(readFileSync(values.input)));
    console.log(error ?? outcome);
    await first.close?.();
    process.exitCode = error === undefined ? 0 : 1;
    return;
  }
  const seed = Number(values.seed);
  console.log(`seed ${seed}`);
  for (const target of chosen) {
    const run = { seed, seconds: Number(values.seconds) / chosen.length, folder: join(values.corpus, target.name) };
    if (!(await runTarget(target, run))) process.exitCode = 1;
  }
}

await main();
