import type { Context } from './context.js';

/** One option of a command, in commander's notation. */
export interface OptionSpec {
  /** Such as `--size <n>`. */
  readonly flags: string;
  readonly summary: string;
  /** Turns the text into the value that `run` gets. @throws UsageError */
  readonly parse?: (text: string) => unknown;
}

/**
 * One command. The table of these is the only place that knows the commands: the shell, one-shot use, help and completion are all
 * made from it.
 */
export interface CommandSpec {
  /** One word, or two: `cluster kill-leader`. */
  readonly name: string;
  /** In commander's notation: `<value>`, `[path]`. */
  readonly args?: string;
  /** One line. */
  readonly summary: string;
  /** What happens in the cluster when it is called: a paragraph for whoever learns. */
  readonly teaches?: string;
  /** Whole lines, as they are typed in the shell. */
  readonly examples?: readonly string[];
  readonly options?: readonly OptionSpec[];
  /** Where it exists. Default: everywhere. */
  readonly only?: 'shell';
  /** What its first argument names: completion asks the cluster for it. */
  readonly completes?: 'path' | 'server' | 'command';
  /** Whether it changes something in the cluster: an error then tells whether that happened. Default: false. */
  readonly isWrite?: boolean;
  /** Whether what looks like an option and is none of its own is an argument: it has a grammar of its own. Default: false. */
  readonly takesAnyWord?: boolean;
  /** Resolves when it is done: with nothing for exit code 0, or with the exit code. */
  readonly run: (
    context: Context,
    args: readonly string[],
    options: Readonly<Record<string, unknown>>,
  ) => Promise<number | void>;
}
