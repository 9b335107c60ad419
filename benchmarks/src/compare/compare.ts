import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bench } from './bench.js';
import { currentLoad, describeMachine } from './machine.js';
import { findPeers } from './peers/find-peers.js';
import { markdownTable } from './report/markdown.js';
import { writeReport } from './report/write-report.js';
import { describeGroup, type Results, type Round } from './results.js';
import { allGroups } from './rows/all-groups.js';
import type { Metrics, RowGroup } from './rows/row.js';
import type { Settings } from './settings.js';
import { removeLeftovers } from './systems/cluster.js';
import type { SystemName } from './systems/system.js';
import { Toolbox } from './toolbox.js';

/** What `bench compare` is told. */
export interface CompareOptions {
  readonly settings: Settings;
  /** Names of groups; undefined: all. */
  readonly rows: readonly string[] | undefined;
  readonly systems: readonly SystemName[] | undefined;
  readonly install: boolean;
  /** Where the JSON goes. */
  readonly output: string;
  /** Where the Markdown page goes, with its plots in a folder of its name beside it; undefined: nowhere. */
  readonly report: string | undefined;
}

type Say = (line: string) => void;

/**
 * Runs zkl and its peers in turns, round by round, and writes what was measured. Ctrl-C ends it in order: no process and no folder stays, and what
 * was measured until then is written.
 */
export async function compare(options: CompareOptions, say: Say): Promise<boolean> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Error('interrupted'));
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const groups = chooseGroups(options.rows);
    await removeLeftovers();
    const peers = await findPeers(say, options);
    await using toolbox = await Toolbox.build(peers);
    const systems = toolbox.systems.filter((system) => options.systems?.includes(system) ?? true);
    const bench: Bench = { toolbox, settings: options.settings, signal: stop.signal, kept: new Map(), say };
    const run = new Run(bench, groups, systems);
    say(`${systems.join(', ')}; ${run.estimate()}`);
    const startedAt = new Date().toISOString();
    const loadBefore = currentLoad();
    await run.all();
    const results: Results = {
      startedAt,
      endedAt: new Date().toISOString(),
      command: `npm run bench -- ${process.argv.slice(2).join(' ')}`,
      machine: describeMachine(loadBefore),
      versions: { etcd: peers.etcd?.version ?? 'absent', zookeeper: peers.zookeeper?.version ?? 'absent' },
      settings: options.settings,
      groups: groups.map((group) => describeGroup(group, group.rows(bench))),
      rounds: run.rounds,
      failures: run.failures,
    };
    await write(results, options, say);
    return run.failures.length === 0 && !stop.signal.aborted;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function write(results: Results, options: CompareOptions, say: Say): Promise<void> {
  const file = join(options.output, `${results.startedAt.replaceAll(/[:.]/g, '-')}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 1)}\n`);
  say(`measurements: ${file}`);
  say(markdownTable(results, () => undefined));
  if (options.report === undefined) return;
  await writeReport([results], options.report);
  say(`page: ${options.report}`);
}

/** @throws RangeError for a name that there is not. */
function chooseGroups(names: readonly string[] | undefined): readonly RowGroup[] {
  if (names === undefined) return allGroups;
  return names.map((name) => {
    const found = allGroups.find((group) => group.name === name);
    if (found) return found;
    throw new RangeError(`there are no rows "${name}"; there are ${allGroups.map((group) => group.name).join(', ')}`);
  });
}

/** The rounds of one run. */
class Run {
  readonly rounds: Round[] = [];
  readonly failures: string[] = [];
  readonly #bench: Bench;
  readonly #groups: readonly RowGroup[];
  readonly #systems: readonly SystemName[];

  constructor(bench: Bench, groups: readonly RowGroup[], systems: readonly SystemName[]) {
    this.#bench = bench;
    this.#groups = groups;
    this.#systems = systems;
  }

  estimate(): string {
    const { rounds } = this.#bench.settings;
    const lines = this.#groups.map((group) => {
      const seconds = this.#takingPart(group).reduce((sum, system) => sum + group.seconds(this.#bench, system), 0);
      return { name: group.name, seconds: seconds * rounds };
    });
    const all = lines.reduce((sum, { seconds }) => sum + seconds, 0);
    const parts = lines.map(({ name, seconds }) => `${name} ${minutes(seconds)}`).join(', ');
    return `${rounds} round(s), about ${minutes(all)}: ${parts}`;
  }

  async all(): Promise<void> {
    const { settings, signal, say } = this.#bench;
    const startedMs = performance.now();
    for (let round = 0; round < settings.rounds && !signal.aborted; round += 1) {
      const seen: Record<string, Partial<Record<SystemName, Metrics>>> = {};
      this.rounds.push(seen);
      for (const group of this.#groups) {
        const turns = this.#takingPart(group);
        for (let turn = 0; turn < turns.length && !signal.aborted; turn += 1) {
          // Whoever was first is last in the next round.
          const system = turns[(turn + round) % turns.length] as SystemName;
          const since = minutes((performance.now() - startedMs) / 1_000);
          say(`[round ${round + 1}/${settings.rounds}, ${since}] ${group.name}: ${system}`);
          await this.#measure(group, system, seen);
        }
      }
    }
  }

  #takingPart(group: RowGroup): readonly SystemName[] {
    return this.#systems.filter(
      (system) => group.systems.includes(system) && (group.name !== 'foreign' || this.#bench.toolbox.hasForeignClient),
    );
  }

  async #measure(
    group: RowGroup,
    system: SystemName,
    seen: Record<string, Partial<Record<SystemName, Metrics>>>,
  ): Promise<void> {
    try {
      for (const [row, metrics] of Object.entries(await group.measure(this.#bench, system))) {
        (seen[row] ??= {})[system] = metrics;
      }
    } catch (error) {
      const words = `${group.name}, ${system}: ${(error as Error).message}`;
      if (!this.#bench.signal.aborted) this.failures.push(words);
      this.#bench.say(words);
    }
  }
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
