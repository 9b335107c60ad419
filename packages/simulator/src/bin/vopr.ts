/**
 * Runs simulations: `npm run vopr -- --seeds 1000`, `-- --seconds 60`, `-- --seed 42 --trace`, `-- --planted`. Exit code 1 when a property
 * did not hold. The name is that of TigerBeetle's simulator, which showed how far one can go with it.
 */
import { Command, InvalidArgumentError } from 'commander';
import { PLANTED_BUGS } from '../planted-bugs.js';
import { runMany, type Totals } from '../run-many.js';
import { runSeed, type RunResult } from '../run-seed.js';

interface Flags {
  readonly seed?: number;
  readonly from: number;
  readonly seeds?: number;
  readonly seconds?: number;
  readonly servers?: number;
  readonly trace: boolean;
  readonly planted: boolean;
  readonly bugs?: string;
}

const REPORT_EVERY = 1_000;

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is expected');
  return value;
}

function main(): void {
  const program = new Command('vopr')
    .description('Simulates clusters with faults, in virtual time; one seed decides everything.')
    .option('--seed <n>', 'run this seed alone', wholeNumber)
    .option('--from <n>', 'the first of many seeds', wholeNumber, 1)
    .option('--seeds <n>', 'how many seeds (default 1000, without a limit when --seconds is given)', wholeNumber)
    .option('--seconds <n>', 'stop after this long', wholeNumber)
    .option('--servers <n>', 'always this many servers', wholeNumber)
    .option('--trace', 'tell the story of the seed', false)
    .option('--bugs <names>', 'rules to switch off, joined by +')
    .option('--planted', 'count how many seeds it takes to notice each planted bug', false)
    .parse();
  const flags = program.opts<Flags>();
  if (flags.planted) runPlanted();
  else if (flags.seed !== undefined) runOne(flags.seed, flags);
  else runAll(flags);
}

function optionsOf({ servers, bugs }: Flags): { servers?: number; plantedBugs?: ReadonlySet<string> } {
  return {
    ...(servers === undefined ? {} : { servers }),
    ...(bugs === undefined ? {} : { plantedBugs: new Set(bugs.split('+')) }),
  };
}

function runOne(seed: number, flags: Flags): void {
  const print = (line: string): void => console.log(line);
  const result = runSeed(seed, { ...optionsOf(flags), ...(flags.trace ? { print } : {}) });
  const { plantedBugs: _, ...settings } = result.settings;
  console.log(JSON.stringify(settings));
  console.log(`seed ${seed}: ${result.events} events, ${result.committed} blocks committed, trace ${result.traceHash}`);
  reportFailure(result, flags);
}

function runAll(flags: Flags): void {
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1_000;
  const seconds = flags.seconds ?? Infinity;
  const seeds = flags.seeds ?? (flags.seconds === undefined ? 1_000 : Number.MAX_SAFE_INTEGER - flags.from);
  let done = 0;
  const after = (result: RunResult): boolean => {
    if (result.failure !== undefined) reportFailure(result, flags);
    if (++done % REPORT_EVERY === 0) console.log(`${done} seeds in ${elapsed().toFixed(0)} s`);
    return elapsed() < seconds;
  };
  const totals = runMany({ ...optionsOf(flags), from: flags.from, seeds, after });
  summarize(totals, elapsed());
}

function summarize(totals: Totals, seconds: number): void {
  const { seeds, events, committed, readsServed, failures, seen } = totals;
  const rate = (seeds / seconds).toFixed(0);
  console.log(
    `${seeds} seeds (${rate} a second), ${events} events, ${committed} blocks committed, ${readsServed} reads served`,
  );
  const kinds = [...seen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  console.log(kinds.join(', '));
  console.log(failures.length === 0 ? 'every property held' : `${failures.length} seeds failed`);
}

function reportFailure({ seed, failure }: RunResult, { bugs, servers }: Flags): void {
  if (failure === undefined) return;
  process.exitCode = 1;
  const flags = `${servers === undefined ? '' : ` --servers ${servers}`}${bugs === undefined ? '' : ` --bugs ${bugs}`}`;
  console.log(`seed ${seed}: ${failure.name}: ${failure.message}`);
  console.log(`  again, with its story: npm run vopr -- --seed ${seed}${flags} --trace`);
}

function runPlanted(): void {
  for (const { switches, from, within } of PLANTED_BUGS) {
    const { seeds, failures } = runMany({ from, seeds: within, plantedBugs: new Set(switches) });
    const [first] = failures;
    if (first === undefined) process.exitCode = 1;
    const found =
      first === undefined ? `NOT noticed in ${seeds}` : `seed ${first.seed}: ${first.failure?.message ?? ''}`;
    console.log(`${switches.join('+')}: ${found}`);
  }
}

main();
