import { PLANTED_BUGS } from './planted-bugs.js';
import { runMany } from './run-many.js';
import { runSeed, type RunResult } from './run-seed.js';
import {
  cpuSeconds,
  drawOptionsOf,
  printCounts,
  printSettings,
  reportFailure,
  reportPlanted,
  type Flags,
} from './vopr-report.js';

const REPORT_EVERY = 1_000;

export function runOneCore(seed: number, flags: Flags): void {
  const print = (line: string): void => console.log(line);
  const result = runSeed(seed, { ...drawOptionsOf(flags), ...(flags.trace ? { print } : {}) });
  printSettings(result.settings);
  console.log(
    `core seed ${seed}: ${result.events} events, ${result.committed} blocks committed, trace ${result.traceHash}`,
  );
  if (result.failure !== undefined) reportFailure('core', seed, result.failure, flags);
}

export function runAllCore(flags: Flags, seeds: number, seconds: number): void {
  const started = performance.now();
  const cpuBefore = cpuSeconds();
  const elapsed = (): number => (performance.now() - started) / 1_000;
  let done = 0;
  const after = ({ seed, failure }: RunResult): boolean => {
    if (failure !== undefined) reportFailure('core', seed, failure, flags);
    if (++done % REPORT_EVERY === 0) console.log(`core: ${done} seeds in ${elapsed().toFixed(0)} s`);
    return elapsed() < seconds;
  };
  const totals = runMany({ ...drawOptionsOf(flags), from: flags.from, seeds, after });
  const rate = (totals.seeds / (cpuSeconds() - cpuBefore)).toFixed(0);
  const { events, committed, readsServed, failures, seen } = totals;
  console.log(
    `core: ${totals.seeds} seeds (${rate} a CPU second), ${events} events, ${committed} blocks committed, ${readsServed} reads served`,
  );
  printCounts(seen);
  console.log(failures.length === 0 ? 'core: every property held' : `core: ${failures.length} seeds failed`);
}

export function runPlantedCore(): void {
  for (const bug of PLANTED_BUGS) {
    const { from, within, override } = bug;
    const { failures } = runMany({ from, seeds: within, plantedBugs: new Set(bug.switches), override });
    reportPlanted('core', bug, failures[0]);
  }
}
