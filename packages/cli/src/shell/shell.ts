import { createInterface, type Interface } from 'node:readline/promises';
import type { CommandSpec } from '../commands/command.js';
import type { Connection, ShellControl } from '../commands/context.js';
import { parseInvocation } from '../commands/program.js';
import { EXIT_FAILED, EXIT_OK, UsageError } from '../output/explain-error.js';
import type { Output } from '../output/output.js';
import { AbovePrompt } from './above-prompt.js';
import { complete } from './complete.js';
import { appendHistory, HISTORY_LINES_MAX, loadHistory } from './history-file.js';
import { Jobs } from './jobs.js';
import { runCommand, showError } from './run-invocation.js';
import { splitWords } from './split-words.js';

/** What a shell works with. */
export interface ShellOptions {
  readonly table: readonly CommandSpec[];
  readonly connection: Connection;
  readonly output: Output;
  readonly version: string;
  readonly input: NodeJS.ReadableStream;
  readonly screen: NodeJS.WritableStream;
  /** Both ends are a terminal: there is a prompt, editing, completion and a history file. */
  readonly interactive: boolean;
  readonly colors: boolean;
  readonly historyFile: string;
  /** Ends the shell. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads lines and runs each, one after the other, until `exit` or the end of the input. Ctrl-C ends the command under way, or clears the
 * line. Without a terminal it is silent but for the answers.
 *
 * @returns 0; without a terminal 1 when any line failed, so that a script can tell.
 */
export async function runShell(options: ShellOptions): Promise<number> {
  return new Shell(options, options.interactive ? await loadHistory(options.historyFile) : []).run();
}

class Shell {
  readonly #options: ShellOptions;
  readonly #lines: string[];
  readonly #readline: Interface;
  readonly #jobs: Jobs;
  #abort: AbortController | undefined;
  #pinned: number | undefined;
  #leaving = false;
  #failed = false;
  /** A prompt stands, and a line is being typed behind it. */
  #isPrompting = false;

  constructor(options: ShellOptions, lines: string[]) {
    this.#options = options;
    this.#lines = lines;
    this.#pinned = options.connection.settings.server;
    const above = new AbovePrompt(options.screen, () => (this.#isPrompting ? this.#readline : undefined));
    const aside = options.interactive ? options.output.to({ out: above, error: above }) : options.output;
    this.#jobs = new Jobs(() => aside);
    this.#readline = createInterface({
      input: options.input,
      ...(options.interactive ? { output: options.screen, terminal: true } : { terminal: false }),
      history: lines.toReversed(),
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
      ...(options.signal ? { signal: options.signal } : {}),
      completer: (line: string) => complete(options.table, line, () => options.connection.client()),
    });
  }

  async run(): Promise<number> {
    const { interactive, output } = this.#options;
    this.#readline.on('SIGINT', () => this.#onInterrupt());
    if (interactive) output.note(output.style.quiet('help lists the commands, Tab completes, exit leaves'));
    this.#prompt();
    for await (const line of this.#readline) {
      this.#isPrompting = false;
      await this.#runLine(line);
      if (this.#leaving) break;
      this.#prompt();
    }
    this.#isPrompting = false;
    this.#readline.close();
    await this.#jobs.stop();
    // Ctrl-D leaves the cursor behind the prompt.
    if (interactive && !this.#leaving) this.#options.screen.write('\n');
    return this.#failed && !interactive ? EXIT_FAILED : EXIT_OK;
  }

  async #runLine(line: string): Promise<void> {
    const { words, open } = splitWords(line);
    if (words.length === 0) return;
    await this.#remember(line.trim());
    this.#abort = new AbortController();
    const code = await this.#runWords(
      words.map(({ text }) => text),
      open,
      this.#abort.signal,
    );
    this.#abort = undefined;
    this.#failed ||= code !== EXIT_OK;
  }

  async #runWords(words: readonly string[], open: string | undefined, signal: AbortSignal): Promise<number> {
    const { table, connection, version, colors } = this.#options;
    let { output } = this.#options;
    try {
      if (open !== undefined)
        throw new UsageError(`the line ends with an open ${open}`, 'Close it, or put a backslash before it.');
      const parsed = parseInvocation(table, words, { where: 'shell', version, colors });
      if ('printed' in parsed) {
        output.raw(parsed.printed);
        return EXIT_OK;
      }
      output = output.withJson(output.json || parsed.globals.json === true, colors);
      if (!parsed.spec) throw new UsageError('there is no command on this line', 'See `help`.');
      const context = { connection, output, signal, shell: this.#control() };
      return await runCommand(parsed.spec, context, parsed.args, parsed.options);
    } catch (error) {
      return showError(output, error, { isWrite: false });
    }
  }

  #control(): ShellControl {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the accessors below have a `this` of their own
    const shell = this;
    return {
      lines: this.#lines,
      jobs: this.#jobs,
      isInteractive: this.#options.interactive,
      exit: () => {
        this.#leaving = true;
      },
      get pinned() {
        return shell.#pinned;
      },
      set pinned(id) {
        shell.#pinned = id;
      },
    };
  }

  /** At once, not at the end: a terminal that is closed must not take the lines with it. */
  async #remember(line: string): Promise<void> {
    this.#lines.push(line);
    if (this.#lines.length > HISTORY_LINES_MAX) this.#lines.shift();
    if (this.#options.interactive) await appendHistory(this.#options.historyFile, [line]);
  }

  #prompt(): void {
    const { interactive, output } = this.#options;
    if (!interactive) return;
    const where = this.#pinned === undefined ? '' : `(server ${this.#pinned})`;
    this.#readline.setPrompt(`${output.style.strong('zkl')}${where}> `);
    this.#isPrompting = true;
    this.#readline.prompt();
  }

  #onInterrupt(): void {
    if (this.#abort) return this.#abort.abort(new DOMException('interrupted', 'AbortError'));
    // Nothing is under way: a fresh line, as shells do.
    this.#options.screen.write('^C\n');
    this.#readline.write(null as unknown as string, { ctrl: true, name: 'e' });
    this.#readline.write(null as unknown as string, { ctrl: true, name: 'u' });
    this.#prompt();
  }
}
