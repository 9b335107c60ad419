import { writeFileSync } from 'node:fs';
import { formatHistory } from './history/json-lines.js';
import { minimise } from './node-level/minimise.js';
import { PLANTED_NODE_BUGS } from './node-level/planted-node-bugs.js';
import { runManyNodes } from './node-level/run-many-nodes.js';
import { runNodeSeed, type NodeRunResult } from './node-level/run-node-seed.js';
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

export async function runOneNode(seed: number, flags: Flags): Promise<void> {
  const print = (line: string): void => console.log(line);
  const options = drawOptionsOf(flags);
  if (flags.minimise) return runMinimised(seed, flags);
  const result = await runNodeSeed(seed, { ...options, ...(flags.trace ? { print } : {}) });
  printSettings(result.settings);
  console.log(
    `node seed ${seed}: ${result.events} events, ${result.committed} blocks committed, ${result.history.length} operations, ` +
      `${result.simulatedSeconds.toFixed(1)} simulated seconds, trace ${result.traceHash}`,
  );
  if (flags.history !== undefined) writeFileSync(flags.history, formatHistory(result.history));
  if (result.failure !== undefined) reportFailure('node', seed, result.failure, flags);
}

async function runMinimised(seed: number, flags: Flags): Promise<void> {
  const print = (line: string): void => console.log(line);
  const smallest = await minimise(seed, drawOptionsOf(flags), print);
  if (smallest === undefined) return console.log(`node seed ${seed} does not fail`);
  const result = await runNodeSeed(seed, { ...drawOptionsOf(flags), override: smallest, print });
  printSettings(result.settings);
  if (result.failure !== undefined) reportFailure('node', seed, result.failure, flags);
}

export async function runAllNodes(flags: Flags, seeds: number, seconds: number): Promise<void> {
  const started = performance.now();
  const cpuBefore = cpuSeconds();
  const elapsed = (): number => (performance.now() - started) / 1_000;
  let done = 0;
  const after = ({ seed, failure }: NodeRunResult): boolean => {
    if (failure !== undefined) reportFailure('node', seed, failure, flags);
    if (++done % REPORT_EVERY === 0) console.log(`node: ${done} seeds in ${elapsed().toFixed(0)} s`);
    return elapsed() < seconds;
  };
  const totals = await runManyNodes({ ...drawOptionsOf(flags), from: flags.from, seeds, after });
  const rate = (totals.seeds / (cpuSeconds() - cpuBefore)).toFixed(1);
  const { committed, operations, simulatedSeconds, failures, counts } = totals;
  console.log(
    `node: ${totals.seeds} seeds (${rate} a CPU second), ${(simulatedSeconds / 3_600).toFixed(2)} simulated hours, ` +
      `${committed} blocks committed, ${operations} operations checked`,
  );
  printCounts(counts);
  printUndecided('node', counts);
  console.log(failures.length === 0 ? 'node: every property held' : `node: ${failures.length} seeds failed`);
}

export async function runPlantedNodes(): Promise<void> {
  for (const bug of PLANTED_NODE_BUGS) {
    const { from, within, override } = bug;
    const { failures } = await runManyNodes({ from, seeds: within, plantedBugs: new Set(bug.switches), override });
    reportPlanted('node', bug, failures[0]);
  }
}
