import { createRequire } from 'node:module';
import { commandTable } from './commands/table.js';
import { Connection, type Settings } from './commands/context.js';
import { type GlobalOptions, parseInvocation } from './commands/program.js';
import { EXIT_INTERRUPTED, EXIT_OK } from './output/explain-error.js';
import { Output } from './output/output.js';
import { wantsColors } from './output/style.js';
import { historyPath } from './shell/history-file.js';
import { runCommand, showError } from './shell/run-invocation.js';
import { runShell } from './shell/shell.js';

/** What the program takes from its process. */
export interface Environment {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly variables: NodeJS.ProcessEnv;
}

/**
 * The command line: runs one command, or a shell when none is named.
 *
 * @param words - What follows the program's name.
 * @returns The exit code.
 */
export async function main(words: readonly string[], environment: Environment): Promise<number> {
  const { stdout, stderr, variables } = environment;
  const colors = wantsColors({ isTTY: stdout.isTTY, environment: variables });
  // Until the options are parsed: what is wrong with them is told in the form that was asked for.
  let output = new Output({ json: words.includes('--json'), colors, streams: { out: stdout, error: stderr } });
  try {
    const parsed = parseInvocation(commandTable, words, { where: 'oneShot', version: packageVersion(), colors });
    if ('printed' in parsed) {
      output.raw(parsed.printed);
      return EXIT_OK;
    }
    output = output.withJson(parsed.globals.json === true, colors);
    await using connection = new Connection(toSettings(parsed.globals));
    if (!parsed.spec) return await openShell(connection, output, environment, { colors });
    return await runUntilInterrupted((signal) => {
      const { spec, args, options } = parsed;
      return spec ? runCommand(spec, { connection, output, signal }, args, options) : Promise.resolve(EXIT_OK);
    });
  } catch (error) {
    return showError(output, error, { isWrite: false });
  }
}

/** Opens a shell on this process's terminal, or on what is piped into it. The signal ends it. */
export async function openShell(
  connection: Connection,
  output: Output,
  environment: Environment,
  { colors, signal }: { readonly colors: boolean; readonly signal?: AbortSignal },
): Promise<number> {
  const { stdin, stdout, variables } = environment;
  return runShell({
    table: commandTable,
    connection,
    output,
    colors,
    signal,
    version: packageVersion(),
    input: stdin,
    screen: stdout,
    interactive: stdin.isTTY && stdout.isTTY,
    historyFile: historyPath(variables),
  });
}

/** The first Ctrl-C asks the command to end, and its answer then tells what became of a write; the second ends the program. */
async function runUntilInterrupted(run: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const abort = new AbortController();
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(EXIT_INTERRUPTED);
    abort.abort(new DOMException('interrupted', 'AbortError'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await run(abort.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function toSettings({ endpoints, folder, server, timeout }: GlobalOptions): Settings {
  return { endpoints, folder, server, timeoutMs: timeout ?? 10_000 };
}

/** The version of this package. */
export function packageVersion(): string {
  const require = createRequire(import.meta.url);
  return (require('@zkl/cli/package.json') as { readonly version: string }).version;
}
