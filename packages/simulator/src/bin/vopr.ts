/**
 * Runs simulations: `npm run vopr -- --seeds 1000`, `-- --seconds 60`, `-- --level node --seed 42 --trace`, `-- --planted`. Exit code 1 when a
 * property did not hold. The name is that of TigerBeetle's simulator, which showed how far one can go with it.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { runAllCore, runOneCore, runPlantedCore } from '../vopr-core.js';
import { runAllNodes, runOneNode, runPlantedNodes } from '../vopr-node.js';
import { runAllWorlds, runOneWorld, runPlantedWorlds } from '../vopr-world.js';
import type { Flags, Level } from '../vopr-report.js';

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is expected');
  return value;
}

async function main(): Promise<void> {
  const program = new Command('vopr')
    .description('Simulates clusters with faults, in virtual time; one seed decides everything.')
    .addOption(
      new Option(
        '--level <level>',
        'core: the pure core alone; node: production nodes, stores and state machines; world: whole servers and clients; both: core and node',
      )
        .choices(['core', 'node', 'world', 'both', 'all'])
        .default('all'),
    )
    .option('--seed <n>', 'run this seed alone', wholeNumber)
    .option('--from <n>', 'the first of many seeds', wholeNumber, 1)
    .option(
      '--seeds <n>',
      'how many seeds (default 1000 of the core, 100 of nodes and of worlds; no limit with --seconds)',
      wholeNumber,
    )
    .option('--seconds <n>', 'stop after this long; with several levels, an equal share each', wholeNumber)
    .option('--servers <n>', 'always this many servers', wholeNumber)
    .option('--trace', 'tell the story of the seed', false)
    .option(
      '--minimise',
      'find milder settings with which the seed (of nodes or a world) still fails, and tell that story',
      false,
    )
    .option('--history <file>', 'write what the clients of the seed (of nodes or a world) saw, as JSON lines')
    .option('--bugs <names>', 'rules to switch off, joined by +')
    .option('--planted', 'count how many seeds it takes to notice each planted bug', false)
    .parse();
  const flags = program.opts<Flags>();
  if (isWanted('core', flags)) runCoreLevel(flags);
  if (isWanted('node', flags)) await runNodeLevel(flags);
  if (isWanted('world', flags)) await runWorldLevel(flags);
}

function isWanted(level: Level, { level: wanted }: Flags): boolean {
  return wanted === 'all' || wanted === level || (wanted === 'both' && level !== 'world');
}

function limitsOf(level: Level, { seeds, seconds, from, level: levels }: Flags): { seeds: number; seconds: number } {
  const share = levels === 'all' ? 3 : levels === 'both' ? 2 : 1;
  const withoutTime = level === 'core' ? 1_000 : 100;
  return {
    seeds: seeds ?? (seconds === undefined ? withoutTime : Number.MAX_SAFE_INTEGER - from),
    seconds: seconds === undefined ? Infinity : seconds / share,
  };
}

function runCoreLevel(flags: Flags): void {
  const { seeds, seconds } = limitsOf('core', flags);
  if (flags.planted) runPlantedCore();
  else if (flags.seed !== undefined) runOneCore(flags.seed, flags);
  else runAllCore(flags, seeds, seconds);
}

async function runNodeLevel(flags: Flags): Promise<void> {
  const { seeds, seconds } = limitsOf('node', flags);
  if (flags.planted) await runPlantedNodes();
  else if (flags.seed !== undefined) await runOneNode(flags.seed, flags);
  else await runAllNodes(flags, seeds, seconds);
}

async function runWorldLevel(flags: Flags): Promise<void> {
  const { seeds, seconds } = limitsOf('world', flags);
  if (flags.planted) await runPlantedWorlds();
  else if (flags.seed !== undefined) await runOneWorld(flags.seed, flags);
  else await runAllWorlds(flags, seeds, seconds);
}

await main();
