/** `npm run robustness`: faults from outside on a cluster of processes under load, and the checker for a history that was kept. */
import { parseArgs } from 'node:util';
import { checkHistory } from '@zkl/simulator/history';
import { ALL_FAULTS, faultsNamed } from '../faults/all-faults.js';
import { FAULT_KINDS } from '../faults/fault.js';
import { readHistory } from '../history/read-history.js';
import { runRounds } from './run-rounds.js';
import { SCENARIOS } from '../scenarios/all-scenarios.js';
import { describeReport } from './trial-report.js';

const USAGE = `usage:
  npm run robustness                         faults of all kinds for 60 seconds, then the check
  npm run robustness -- --rounds 100         so many faults, one after the other
  npm run robustness -- --minutes 60         for so long
  npm run robustness -- --scenario NAME      one of ${SCENARIOS.map(({ name }) => name).join(', ')}, or all
  npm run robustness -- --check FILE         check a history that was kept

options:
  --servers <n>          1 to 15; default 3
  --faults <a,b>         kinds: ${FAULT_KINDS.join(', ')}; or names, of
                         ${ALL_FAULTS.map(({ name }) => name).join(', ')}
  --seed <n>             default 1; the same seed chooses the same faults
  --history <file>       where the history goes; default: a temporary folder, kept when something is wrong
  --rounds-a-history <n> after so many faults the history is checked, and a new cluster begins; default 20
  --times <n>            how often a scenario repeats what it does; default: its own
  --pause-ms <n>         the longest pause of a client between two calls; default 20
  --server-args "<...>"  more flags for every server
  --keep                 keep data, logs and history also when nothing is wrong
`;

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`--${name} is ${text}: give a whole number from ${least} to ${most}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      minutes: { type: 'string' },
      seconds: { type: 'string', default: '60' },
      scenario: { type: 'string' },
      check: { type: 'string' },
      servers: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: FAULT_KINDS.join(',') },
      history: { type: 'string' },
      'rounds-a-history': { type: 'string', default: '20' },
      times: { type: 'string' },
      'pause-ms': { type: 'string', default: '20' },
      'server-args': { type: 'string', default: '' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  if (values.check !== undefined) return checkFile(values.check);
  const minutes = values.minutes === undefined ? undefined : wholeNumber('minutes', values.minutes, 1, 100_000);
  const seconds = minutes === undefined ? wholeNumber('seconds', values.seconds, 1, 1_000_000) : minutes * 60;
  const options = {
    rounds: values.rounds === undefined ? undefined : wholeNumber('rounds', values.rounds, 1, 1_000_000),
    seconds,
    servers: wholeNumber('servers', values.servers, 1, 15),
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1),
    faults: faultsNamed(values.faults),
    roundsAHistory: wholeNumber('rounds-a-history', values['rounds-a-history'], 1, 100_000),
    times: values.times === undefined ? undefined : wholeNumber('times', values.times, 1, 10_000_000),
    pauseMsMax: wholeNumber('pause-ms', values['pause-ms'], 0, 10_000),
    historyFile: values.history,
    keep: values.keep,
    serverArgs: values['server-args'].split(/\s+/).filter((arg) => arg !== ''),
    print: (line: string) => console.log(line),
  };
  const isWell =
    values.scenario === undefined ? await runRounds(options) : await runScenarios(values.scenario, options);
  if (!isWell) process.exitCode = 1;
}

type Options = Parameters<typeof runRounds>[0] & { readonly times: number | undefined };

async function runScenarios(name: string, options: Options): Promise<boolean> {
  const chosen = SCENARIOS.filter((scenario) => name === 'all' || scenario.name === name);
  if (chosen.length === 0)
    throw new RangeError(`--scenario is ${name}: there are ${SCENARIOS.map((scenario) => scenario.name).join(', ')}`);
  let isWell = true;
  for (const scenario of chosen) {
    options.print(`${scenario.name}: ${scenario.bar}`);
    try {
      for (const line of await scenario.run(options)) options.print(`  ${line}`);
    } catch (error) {
      isWell = false;
      options.print(`  FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return isWell;
}

async function checkFile(file: string): Promise<void> {
  const report = checkHistory(await readHistory(file));
  console.log(describeReport(report));
  for (const { property, message } of report.faults) console.log(`${property}: ${message}`);
  console.log(`anomalies ${report.faults.length}`);
  if (report.faults.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
