import type { Fault } from '../faults/fault.js';
import { Random } from '../workload/random.js';
import { runTrial } from './run-trial.js';
import { Tally, type Struck } from './tally.js';
import { describeCalls, describeFaults, describeReport } from './trial-report.js';

/** What a long run is told. */
export interface RunOptions {
  readonly servers: number;
  readonly seed: number;
  /** Faults in all; or undefined: for `seconds`. */
  readonly rounds: number | undefined;
  readonly seconds: number;
  readonly faults: readonly Fault[];
  /** Faults of one cluster, before its history is checked and another one begins. */
  readonly roundsAHistory: number;
  readonly pauseMsMax: number;
  readonly serverArgs: readonly string[];
  /** Of the first cluster; a later one's gets its number before the ending. */
  readonly historyFile: string | undefined;
  readonly keep: boolean;
  readonly print: (line: string) => void;
}

/** Trials one after the other, and the report of all. @returns false when anything was wrong. */
export async function runRounds(options: RunOptions): Promise<boolean> {
  const { print, servers } = options;
  const endMs = performance.now() + options.seconds * 1_000;
  const tally = new Tally();
  const struck: Struck[] = [];
  let checked = 0;
  let anomalies = 0;
  const unserved: string[] = [];
  const isOver = (): boolean =>
    options.rounds === undefined ? performance.now() >= endMs : struck.length >= options.rounds;
  const draw = deckOf(options.faults, new Random(options.seed));
  for (let number = 0; !isOver() && anomalies === 0; number += 1) {
    const seed = (options.seed + number) >>> 0;
    const before = struck.length;
    print(`${servers} servers, seed ${seed}`);
    const outcome = await runTrial({
      ...options,
      draw,
      seed,
      historyFile: numbered(options.historyFile, number),
      isOver: (round) =>
        round >= options.roundsAHistory ||
        (options.rounds === undefined ? performance.now() >= endMs : before + round >= options.rounds),
      onRecord: (record) => tally.add(record),
    });
    for (const fault of outcome.struck) struck.push({ ...fault, nextMs: tally.nextAcknowledgementMs(fault.atUs) });
    tally.nextCluster();
    unserved.push(...outcome.unserved);
    if (outcome.failure === undefined) {
      checked += 1;
      if (outcome.report !== undefined) print(`  history: ${describeReport(outcome.report)}`);
      continue;
    }
    anomalies += 1;
    print(`FAILED: ${outcome.failure.message}`);
    print(`data, logs and history are kept in ${outcome.folder}; the check again:`);
    print(`  npm run robustness -- --check ${outcome.historyFile}`);
  }
  for (const line of [...describeFaults(struck), ...describeCalls(tally)]) print(line);
  print(`calls of roaming clients not served: ${unserved.length}`);
  for (const what of new Set(unserved)) print(`  ${what.padEnd(28)} ${unserved.filter((one) => one === what).length}`);
  print(`histories checked    ${checked}`);
  print(`anomalies            ${anomalies}`);
  return anomalies === 0;
}

/** As cards: each fault comes once before any comes again. */
function deckOf(faults: readonly Fault[], random: Random): () => Fault {
  const deck: Fault[] = [];
  return () => {
    if (deck.length === 0) deck.push(...faults);
    return deck.splice(random.below(deck.length), 1)[0] as Fault;
  };
}

function numbered(file: string | undefined, number: number): string | undefined {
  if (file === undefined || number === 0) return file;
  const dot = file.lastIndexOf('.');
  return dot <= file.lastIndexOf('/') ? `${file}-${number}` : `${file.slice(0, dot)}-${number}${file.slice(dot)}`;
}
