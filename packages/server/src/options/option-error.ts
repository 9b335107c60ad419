import { ServerError } from '../errors/server-error.js';

/** One thing that is wrong with one option. */
export interface OptionProblem {
  /** As in a file: `limits.valueBytesMax`. */
  readonly key: string;
  /** What was given, as text; secrets are masked. Undefined when nothing was. */
  readonly value: string | undefined;
  readonly problem: string;
  /** The values that are allowed, in words; undefined where that is no help. */
  readonly allowed: string | undefined;
  /** Where it came from: `--port`, `ZKL_PORT`, a file's path, `createServer`; undefined for a default. */
  readonly origin: string | undefined;
}

/** Options that cannot be used: all that is wrong with them, at once. Exit code 2. */
export class OptionError extends ServerError {
  readonly problems: readonly OptionProblem[];

  constructor(problems: readonly OptionProblem[]) {
    super('CONFIGURATION', problems.map(describeProblem).join('\n'));
    this.name = 'OptionError';
    this.problems = problems;
  }
}

function describeProblem({ key, value, problem, allowed, origin }: OptionProblem): string {
  const given = value === undefined ? '' : ` = ${value}`;
  const from = origin === undefined ? '' : ` (from ${origin})`;
  const range = allowed === undefined ? '' : `; allowed: ${allowed}`;
  return `${key}${given}${from}: ${problem}${range}`;
}
