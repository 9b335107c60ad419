import { writeFileSync } from 'node:fs';
import { formatHistory } from './history/json-lines.js';
import { minimiseWorld } from './world-level/minimise-world.js';
import { PLANTED_WORLD_BUGS } from './world-level/planted-world-bugs.js';
import { runManyWorlds } from './world-level/run-many-worlds.js';
import { runWorldSeed, type WorldRunResult } from './world-level/run-world-seed.js';
import {
  cpuSeconds,
  drawOptionsOf,
  printCounts,
  printSettings,
  printUndecided,
  reportFailure,
  reportPlanted,
  type Flags,
} from './vopr-report.js';

const REPORT_EVERY = 100;

export async function runOneWorld(seed: number, flags: Flags): Promise<void> {
  const print = (line: string): void => console.log(line);
  const options = drawOptionsOf(flags);
  if (flags.minimise) return runMinimised(seed, flags);
  const result = await runWorldSeed(seed, { ...options, ...(flags.trace ? { print } : {}) });
  printSettings(result.settings);
  console.log(
    `world seed ${seed}: ${result.events} events, ${result.committed} blocks committed, ${result.calls.length} calls, ` +
      `${result.simulatedSeconds.toFixed(1)} simulated seconds, trace ${result.traceHash}`,
  );
  if (flags.history !== undefined) writeFileSync(flags.history, formatHistory(result.history));
  if (result.failure !== undefined) reportFailure('world', seed, result.failure, flags);
}

async function runMinimised(seed: number, flags: Flags): Promise<void> {
  const print = (line: string): void => console.log(line);
  const smallest = await minimiseWorld(seed, drawOptionsOf(flags), print);
  if (smallest === undefined) return console.log(`world seed ${seed} does not fail`);
  const result = await runWorldSeed(seed, { ...drawOptionsOf(flags), override: smallest, print });
  printSettings(result.settings);
  if (result.failure !== undefined) reportFailure('world', seed, result.failure, flags);
}

export async function runPlantedWorlds(): Promise<void> {
  for (const bug of PLANTED_WORLD_BUGS) {
    const { from, within, override } = bug;
    const { failures } = await runManyWorlds({ from, seeds: within, plantedBugs: new Set(bug.switches), override });
    reportPlanted('world', bug, failures[0]);
  }
}

export async function runAllWorlds(flags: Flags, seeds: number, seconds: number): Promise<void> {
  const started = performance.now();
  const cpuBefore = cpuSeconds();
  const elapsed = (): number => (performance.now() - started) / 1_000;
  let done = 0;
  const after = ({ seed, failure }: WorldRunResult): boolean => {
    if (failure !== undefined) reportFailure('world', seed, failure, flags);
    if (++done % REPORT_EVERY === 0) console.log(`world: ${done} seeds in ${elapsed().toFixed(0)} s`);
    return elapsed() < seconds;
  };
  const totals = await runManyWorlds({ ...drawOptionsOf(flags), from: flags.from, seeds, after });
  const rate = (totals.seeds / (cpuSeconds() - cpuBefore)).toFixed(1);
  const { committed, calls, simulatedSeconds, failures, counts } = totals;
  console.log(
    `world: ${totals.seeds} seeds (${rate} a CPU second), ${(simulatedSeconds / 3_600).toFixed(2)} simulated hours, ` +
      `${committed} blocks committed, ${calls} calls checked`,
  );
  printCounts(counts);
  printUndecided('world', counts);
  console.log(failures.length === 0 ? 'world: every property held' : `world: ${failures.length} seeds failed`);
}
