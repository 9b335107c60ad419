/** `npm run robustness`: long trials of a cluster of processes, and the checker for a history that one left behind. */
import { parseArgs } from 'node:util';
import { checkHistory } from '../check/check-history.js';
import { FAULTS } from '../faults/random-fault.js';
import { readHistory } from '../history/read-history.js';
import { runTrial } from './run-trial.js';
import { describeCheck } from './trial-report.js';

const USAGE = `usage:
  npm run robustness -- --rounds 100      kill -9 of the leader, again and again, under load
  npm run robustness -- --seconds 3600    faults at random for that long
  npm run robustness -- check <file>      check a history that was kept

options:
  --servers <n>          1 to 15; default 5
  --seed <n>             default 1; the same seed makes the same choices
  --faults <a,b>         for --seconds, of ${Object.keys(FAULTS).join(', ')}; default all
  --clients <n>          default 4
  --in-flight <n>        calls of one client at a time; default 2
  --pause-ms <n>         the longest pause between two calls; default 4
  --server-args "<...>"  more flags for every server
  --keep                 keep data and history also when nothing is wrong
`;

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`--${name} is ${text}: give a whole number from ${least} to ${most}`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string', default: '60' },
      servers: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: Object.keys(FAULTS).join(',') },
      clients: { type: 'string', default: '4' },
      'in-flight': { type: 'string', default: '2' },
      'pause-ms': { type: 'string', default: '4' },
      'server-args': { type: 'string', default: '' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [command, file] = positionals;
  if (values.help) return console.log(USAGE);
  if (command === 'check' && file !== undefined) return checkFile(file);
  if (command !== undefined) throw new RangeError(`${command} is no command\n${USAGE}`);
  const faults = values.faults.split(',');
  for (const fault of faults) {
    if (!(fault in FAULTS)) throw new RangeError(`--faults has ${fault}: there are ${Object.keys(FAULTS).join(', ')}`);
  }
  const options = {
    rounds: values.rounds === undefined ? undefined : wholeNumber('rounds', values.rounds, 1, 100_000),
    seconds: wholeNumber('seconds', values.seconds, 1, 1_000_000),
    servers: wholeNumber('servers', values.servers, 1, 15),
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1),
    faults,
    roamers: wholeNumber('clients', values.clients, 1, 1_000),
    callsInFlight: wholeNumber('in-flight', values['in-flight'], 1, 1_000),
    pauseMsMax: wholeNumber('pause-ms', values['pause-ms'], 0, 10_000),
    keep: values.keep,
    serverArgs: values['server-args'].split(/\s+/).filter((arg) => arg !== ''),
  };
  await runTrial(options, (line) => console.log(line));
}

async function checkFile(file: string): Promise<void> {
  const result = checkHistory(await readHistory(file));
  for (const line of describeCheck(result)) console.log(line);
  for (const { rule, message } of result.violations) console.log(`${rule}: ${message}`);
  if (result.violations.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
