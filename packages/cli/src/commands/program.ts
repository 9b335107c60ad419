import { Command, CommanderError, Option } from 'commander';
import { UsageError } from '../output/explain-error.js';
import { createStyle } from '../output/style.js';
import type { CommandSpec } from './command.js';
import { explain } from './help-command.js';
import * as parsers from './option-parsers.js';

/** A line, or a command line, taken apart: what to run, and how. */
export interface Invocation {
  /** undefined: none was named. */
  readonly spec: CommandSpec | undefined;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** The options that every command takes. */
  readonly globals: GlobalOptions;
}

export interface GlobalOptions {
  readonly json?: boolean;
  readonly endpoints?: readonly string[];
  readonly folder?: string;
  readonly server?: number;
  readonly timeout?: number;
}

/** What was asked for is printed, and there is nothing to run: help, or the version. */
export interface Printed {
  readonly printed: string;
}

export interface ParseOptions {
  readonly where: 'shell' | 'oneShot';
  readonly version: string;
  readonly colors: boolean;
  /** Whether words without a command are no error: they ask for a shell. Default: in one-shot use. */
  readonly shellByDefault?: boolean;
}

/**
 * Parses words by the command table.
 *
 * @throws UsageError for an unknown command or option, and for arguments that are missing or too many.
 */
export function parseInvocation(
  table: readonly CommandSpec[],
  words: readonly string[],
  options: ParseOptions,
): Invocation | Printed {
  let printed = '';
  let chosen: Pick<Invocation, 'spec' | 'args' | 'options'> = { spec: undefined, args: [], options: {} };
  const program = createProgram(options).configureOutput({
    writeOut: (text) => (printed += text),
    // An error is shown once, by the caller, in the form of all errors.
    writeErr: () => undefined,
  });
  const groups = new Map<string, Command>();
  for (const spec of table) {
    if (spec.only === 'shell' && options.where !== 'shell') continue;
    addCommand(program, groups, spec, options, (args, values) => (chosen = { spec, args, options: values }));
  }
  try {
    program.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { printed };
    const hint = options.where === 'shell' ? 'See `help`.' : 'See `zkl help`.';
    throw new UsageError(error.message.replace(/^error: /, '').replace(/\n/g, ' '), hint);
  }
  // Only one-shot use gets here with a word that is no command: without its default the program knows how to name the nearest.
  if (!chosen.spec && program.args.length > 0)
    return parseInvocation(table, program.args, { ...options, shellByDefault: false });
  return { ...chosen, globals: program.opts<GlobalOptions>() };
}

type OnChosen = (args: readonly string[], options: Readonly<Record<string, unknown>>) => void;

function addCommand(
  program: Command,
  groups: Map<string, Command>,
  spec: CommandSpec,
  options: ParseOptions,
  onChosen: OnChosen,
): void {
  const words = spec.name.split(' ');
  const name = words.at(-1) ?? '';
  const parent = words.length === 1 ? program : groupOf(program, groups, words[0] ?? '');
  const command = parent.command(spec.args === undefined ? name : `${name} ${spec.args}`, { hidden: false });
  command.summary(spec.summary).description(spec.summary).copyInheritedSettings(parent).allowExcessArguments(false);
  if (words.length === 1) groups.set(name, command);
  if (spec.takesAnyWord) command.allowUnknownOption(true);
  command.helpInformation = () => `zkl ${explain(spec, createStyle(options.colors))}\n`;
  for (const { flags, summary, parse } of spec.options ?? []) {
    const option = new Option(flags, summary);
    command.addOption(parse ? option.argParser(parse) : option);
  }
  command.action(() =>
    onChosen(
      command.processedArgs.flat().filter((arg): arg is string => arg !== undefined),
      command.opts(),
    ),
  );
}

function groupOf(program: Command, groups: Map<string, Command>, name: string): Command {
  const known = groups.get(name);
  if (known) return known;
  const group = program
    .command(name)
    .summary('run the servers of a local cluster')
    .copyInheritedSettings(program)
    .allowExcessArguments(false);
  groups.set(name, group);
  return group;
}

function createProgram({ where, version, colors, shellByDefault = true }: ParseOptions): Command {
  const program = new Command('zkl');
  program
    .description('The command line of zkl. Without a command: a shell.')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError(true)
    .allowExcessArguments(false)
    .option('--json', 'every answer as one JSON object a line')
    .addHelpText('after', () => exitCodes(createStyle(colors).strong));
  if (where === 'shell') return program;
  program
    .version(version, '-V, --version', 'print the version')
    .addOption(
      new Option('--endpoints <list>', 'servers, as host:port,host:port (default: those of the nearest local cluster)')
        .env('ZKL_ENDPOINTS')
        .argParser(parsers.endpoints),
    )
    .option('--folder <path>', 'the folder of the local cluster (default: the nearest .zkl)')
    .addOption(new Option('--server <id>', 'talk to this server only').argParser(parsers.serverId))
    .addOption(
      new Option('--timeout <ms>', 'the deadline of each call (default: 10000)').argParser(
        parsers.integerIn('--timeout', 1, 3_600_000),
      ),
    );
  if (shellByDefault) program.allowExcessArguments(true).action(() => undefined);
  return program;
}

function exitCodes(strong: (text: string) => string): string {
  return [
    '',
    strong('Exit codes:'),
    '  0    done',
    '  1    failed; a write was certainly not applied',
    '  2    wrong usage or configuration',
    '  3    failed; whether a write was applied is unknown',
    '  130  interrupted',
  ].join('\n');
}
