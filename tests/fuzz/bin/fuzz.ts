/** `npm run fuzz`: coverage-guided fuzzing of every decoder, for as long as one likes. Each target runs in a thread that is watched. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { allTargets } from '../all-targets.js';
import { judge } from '../engine/fuzz.js';
import { hashOf } from '../engine/random.js';
import type { FuzzTarget } from '../engine/target.js';
import type { Told, ThreadData } from './fuzz-thread.js';

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
const INPUT_BYTES_MAX = 1024 * 1024;

interface Run {
  readonly seed: number;
  readonly seconds: number;
  readonly folder: string;
}

/** Runs a target in a thread of its own: false when something was found. */
function runTarget(target: FuzzTarget, { seed, seconds, folder }: Run): Promise<boolean> {
  mkdirSync(folder, { recursive: true });
  const shared = new SharedArrayBuffer(8 + INPUT_BYTES_MAX);
  const corpus = readdirSync(folder).filter((name) => name.startsWith('kept-')).map((name) => readFileSync(join(folder, name)));
  const workerData: ThreadData = { name: target.name, seed, seconds, shared, corpus };
  const worker = new Worker(fileURLToPath(new URL('fuzz-thread.ts', import.meta.url)), { workerData });
  const finding = (input: Uint8Array, what: string): false => {
    const file = join(folder, `found-${hashOf(what + input.length).toString(16)}`);
    writeFileSync(file, input);
    console.error(`FOUND by ${target.name}: ${what}\n  npm run fuzz -- --target ${target.name} --input ${file}`);
    return false;
  };
  return new Promise((resolve) => {
    const words = new Int32Array(shared, 0, 2);
    const inputNow = (): Uint8Array => new Uint8Array(shared, 8, words[1]).slice();
    let seen = -1;
    const watchdog = setInterval(() => {
      if (words[0] !== seen) seen = words[0] ?? 0;
      else {
        void worker.terminate();
        clearInterval(watchdog);
        resolve(finding(inputNow(), `an input took more than ${HANG_MS} ms`));
      }
    }, HANG_MS);
    worker.on('message', (told: Told) => {
      if (told.kind === 'kept') writeFileSync(join(folder, `kept-${hashOf(Buffer.from(told.input).toString('latin1')).toString(16)}`), told.input);
      if (told.kind === 'found') resolve(finding(told.input, told.what));
      if (told.kind === 'ended') {
        console.log(`${target.name.padEnd(26)} ${told.line}`);
        resolve(true);
      }
    });
    worker.on('error', (error) => resolve(finding(inputNow(), `the thread died: ${error.message}`)));
    worker.on('exit', () => {
      clearInterval(watchdog);
      resolve(true);
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
