/** `npm run bench -- <what>`: measures clusters of server processes on this machine. */
import { Command, InvalidArgumentError } from 'commander';
import { benchProfile } from './bench-profile.js';
import { benchRestart } from './bench-restart.js';
import { benchWrites } from './bench-writes.js';
import { compareCommand, reportCommand } from './compare/command.js';

const print = (line: string): void => console.log(line);

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('give a whole number above 0');
}

function positives(text: string): number[] {
  return text.split(',').map(positive);
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

const program = new Command('bench').description('measures zkl on this machine').showHelpAfterError();
program
  .command('writes')
  .description('throughput, latency and CPU of writes through the SDK')
  .option('--servers <n>', 'server processes', positive, 3)
  .option('--clients <n>', 'SDK clients that share the calls', positive, 1)
  .option('--in-flight <list>', 'calls under way, of all clients together', positives, [1, 64, 256])
  .option('--seconds <n>', 'for each of these', positive, 10)
  .option('--warmup-seconds <n>', 'not counted, before each', positive, 3)
  .option('--value-bytes <n>', 'of each write', positive, 256)
  .option('--server-args <flags>', 'more flags for every server', words, [])
  .action((options: Parameters<typeof benchWrites>[0]) => benchWrites(options, print));
program
  .command('restart')
  .description('from kill -9 of all servers to serving again, with a long log')
  .option('--servers <n>', 'server processes', positive, 3)
  .option('--entries <n>', 'writes in the log', positive, 200_000)
  .option('--value-bytes <n>', 'of each write', positive, 128)
  .option('--snapshots', 'let servers take snapshots; otherwise all of the log is replayed', false)
  .action((options: Parameters<typeof benchRestart>[0]) => benchRestart(options, print));
program
  .command('profile')
  .description('where the time of leader, follower and client goes at full load')
  .option('--servers <n>', 'server processes', positive, 3)
  .option('--clients <n>', 'SDK clients that share the calls', positive, 1)
  .option('--in-flight <n>', 'calls under way', positive, 1_024)
  .option('--op <name>', 'set, get or get-local', 'set')
  .option('--graphs <folder>', 'draws flame graphs into this folder')
  .option('--seconds <n>', 'of load', positive, 10)
  .option('--value-bytes <n>', 'of each write', positive, 256)
  .action((options: Parameters<typeof benchProfile>[0]) => benchProfile(options, print));
program.addCommand(compareCommand()).addCommand(reportCommand());
await program.parseAsync();
