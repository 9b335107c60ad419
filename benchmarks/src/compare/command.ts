import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compare } from './compare.js';
import { readResults, writeReport } from './report/write-report.js';
import { allGroups } from './rows/all-groups.js';
import { fullSettings, quickSettings, type Settings } from './settings.js';
import type { SystemName } from './systems/system.js';

interface Flags {
  readonly rows?: readonly string[];
  readonly systems?: readonly SystemName[];
  readonly rounds?: number;
  readonly seconds?: number;
  readonly warmupSeconds?: number;
  readonly kills?: number;
  readonly znodes?: number;
  readonly quick: boolean;
  readonly install: boolean;
  readonly output: string;
  readonly report?: string | true;
}

const inRepository = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** `bench compare`. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('zkl, etcd and ZooKeeper side by side on this machine, in turns')
    .option('--rows <list>', `of ${allGroups.map(({ name }) => name).join(', ')} (default: all)`, list)
    .option('--systems <list>', 'of zkl, etcd, zookeeper (default: all that are there)', list)
    .option('--rounds <n>', `turns of each system (default: ${fullSettings.rounds})`, positive)
    .option('--seconds <n>', `of each measurement (default: ${fullSettings.seconds})`, positive)
    .option('--warmup-seconds <n>', `before each measurement (default: ${fullSettings.warmupSeconds})`, positive)
    .option('--kills <n>', `leaders killed in a round (default: ${fullSettings.kills})`, positive)
    .option('--znodes <n>', `for memory, snapshots and transfer (default: ${fullSettings.znodes})`, positive)
    .option('--quick', 'one short round of everything: whether it works', false)
    .option('--no-install', 'compare with what is there')
    .option('--output <folder>', 'where the measurements go, as JSON', inRepository('reports/benchmarks'))
    .addOption(
      new Option('--report [page]', 'put tables and plots into this page').preset(inRepository('docs/benchmarks.md')),
    )
    .action(async ({ rows, systems, install, output, report, quick, ...flags }: Flags) => {
      const chosen = Object.entries(flags).filter(([, value]) => value !== undefined);
      const settings: Settings = { ...(quick ? quickSettings : fullSettings), ...Object.fromEntries(chosen) };
      const page = typeof report === 'string' ? report : undefined;
      const ok = await compare({ settings, rows, systems, install, output, report: page }, (line) => console.log(line));
      process.exitCode = ok ? 0 : 1;
    });
}

/** `bench report`. */
export function reportCommand(): Command {
  return new Command('report')
    .description('puts what runs of `compare` have written into a page: of each group of rows the newest')
    .argument('<json...>', 'the files')
    .option('--page <page>', 'the page', inRepository('docs/benchmarks.md'))
    .action(async (files: string[], { page }: { readonly page: string }) =>
      writeReport(await readResults(files), page),
    );
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('give a whole number above 0');
}
