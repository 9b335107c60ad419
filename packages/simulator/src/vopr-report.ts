import type { PlantedBug } from './planted-bugs.js';
import type { Settings } from './swarm.js';
import type { NodeSettings } from './node-level/node-settings.js';
import type { WorldSettings } from './world-level/world-settings.js';

/** Core: the pure core with a disk and a machine made up. Node: production nodes, stores and state machines. World: whole servers and whole clients. */
export type Level = 'core' | 'node' | 'world';

export interface Flags {
  /** `both`: core and node. */
  readonly level: Level | 'both' | 'all';
  readonly seed?: number;
  readonly from: number;
  readonly seeds?: number;
  readonly seconds?: number;
  readonly servers?: number;
  readonly trace: boolean;
  readonly planted: boolean;
  readonly minimise: boolean;
  readonly history?: string;
  readonly bugs?: string;
}

export function drawOptionsOf({ servers, bugs }: Flags): { servers?: number; plantedBugs?: ReadonlySet<string> } {
  return {
    ...(servers === undefined ? {} : { servers }),
    ...(bugs === undefined ? {} : { plantedBugs: new Set(bugs.split('+')) }),
  };
}

/** The command that plays the seed again, and what went wrong. The process ends with exit code 1. */
export function reportFailure(level: Level, seed: number, failure: Error, { servers, bugs }: Flags): void {
  process.exitCode = 1;
  const flags = `${servers === undefined ? '' : ` --servers ${servers}`}${bugs === undefined ? '' : ` --bugs ${bugs}`}`;
  console.log(`${level} seed ${seed}: ${failure.name}: ${failure.message}`);
  console.log(`  again, with its story: npm run vopr -- --level ${level} --seed ${seed}${flags} --trace`);
}

/** A row of the table of planted bugs: the switch, what it is known as, how many seeds it took, and who noticed it. Not noticed: exit code 1. */
export function reportPlanted(
  level: Level,
  { switches, knownAs, from, within }: PlantedBug,
  first: { readonly seed: number; readonly failure: Error | undefined } | undefined,
): void {
  if (first === undefined) process.exitCode = 1;
  const found =
    first === undefined
      ? `NOT noticed in ${within} seeds from ${from}`
      : `${first.seed - from + 1} of ${within} seeds from ${from} | ${first.failure?.message.split(/[:\n]/)[0] ?? ''}`;
  console.log(`| ${level} | ${switches.join(' + ')} | ${knownAs} | ${found} |`);
}

export function printSettings(settings: Settings | NodeSettings | WorldSettings): void {
  const { plantedBugs: _, ...rest } = settings;
  console.log(JSON.stringify(rest));
}

export function printCounts(counts: ReadonlyMap<string, number>): void {
  const kinds = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  console.log(kinds.join(', '));
}

/** In how many histories the order of the zxids left something undecided: what was not judged proves nothing. */
export function printUndecided(level: Level, counts: ReadonlyMap<string, number>): void {
  const [undecided, judged] = [counts.get('historyUndecided') ?? 0, counts.get('historyJudged') ?? 0];
  console.log(`${level}: undecided histories: ${undecided} of ${judged}`);
}

/** Seconds of processor time that this process has used. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
