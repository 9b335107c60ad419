import { isZklError, type ZklError } from '@zkl/client-sdk';
import { ClusterError } from '../cluster/errors.js';
import type { JsonObject } from './output.js';
import type { Style } from './style.js';
import { formatZxid, hexZxid } from './zxid.js';

/** What the program ends with. 3 is of its own because a script must not simply repeat a write that may have happened. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNKNOWN = 3;
export const EXIT_INTERRUPTED = 130;

/** A command was called in a way that it cannot be. `message` says what is wrong, `hint` how to call it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** A command could not do what it was asked for, by no fault of the cluster and none of the words. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** An error in the three things that people ask: what happened, did my write take effect, and what now. */
export interface Explanation {
  readonly code: string;
  readonly happened: string;
  /** undefined where the command wrote nothing. */
  readonly effect: string | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number;
  readonly json: JsonObject;
}

/** @param isWrite - Whether the command was one that changes something in the cluster. */
export function explainError(error: unknown, isWrite: boolean): Explanation {
  if (isZklError(error)) return explainZklError(error, isWrite);
  if (error instanceof ClusterError) return plain(error.code, error.message, error.hint, EXIT_FAILED);
  if (error instanceof UsageError) return plain('USAGE', error.message, error.hint, EXIT_USAGE);
  if (error instanceof CommandError) return plain(error.code, error.message, error.hint, EXIT_FAILED);
  if (isAbort(error)) return plain('INTERRUPTED', 'interrupted', undefined, EXIT_INTERRUPTED);
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) };
  return plain(code ?? 'INTERNAL', message, undefined, EXIT_FAILED);
}

export function formatExplanation(explanation: Explanation, style: Style): string {
  const { code, happened, effect, hint } = explanation;
  const lines = [`${style.bad(code)}  ${happened}`];
  if (effect !== undefined) lines.push(`  ${style.quiet('effect')}  ${effect}`);
  if (hint !== undefined) lines.push(`  ${style.quiet('to do ')}  ${hint}`);
  return lines.join('\n');
}

function plain(code: string, happened: string, hint: string | undefined, exitCode: number): Explanation {
  return {
    code,
    happened,
    effect: undefined,
    hint,
    exitCode,
    json: { error: { code, message: happened, hint } },
  };
}

function explainZklError(error: ZklError, isWrite: boolean): Explanation {
  const { code, outcome, retryable, path, zxid } = error;
  const hint = hintOf(error);
  const effect = isWrite ? effectOf(error) : undefined;
  const exitCode =
    code === 'ABORTED' && outcome === 'rejected'
      ? EXIT_INTERRUPTED
      : outcome === 'unknown'
        ? EXIT_UNKNOWN
        : EXIT_FAILED;
  const json = {
    error: {
      code,
      message: error.message,
      outcome: isWrite ? outcome : undefined,
      retryable,
      path,
      zxid: zxid === undefined ? undefined : hexZxid(zxid),
      hint,
    },
  };
  return { code, happened: happenedOf(error), effect, hint, exitCode, json };
}

/** The message begins with the code, which stands before it already. */
function happenedOf({ code, message }: ZklError): string {
  return message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
}

function effectOf({ outcome, zxid }: ZklError): string {
  if (outcome === 'unknown') return 'UNKNOWN: the write may have been applied, or may yet be';
  if (zxid === undefined || zxid === 0n) return 'none: the write was not applied, and never will be';
  return `none: it was ordered at zxid ${formatZxid(zxid)} and refused there, the same on every server`;
}

const hints: Readonly<Record<string, string>> = {
  BAD_ARGUMENTS: 'See `help` for how the command is written.',
  NO_NODE: 'Look what is there with `ls`; parents are created first.',
  NODE_EXISTS: 'Change it with `set`, or create another.',
  BAD_VERSION: 'Somebody changed it in between: look with `stat`, then try again with the version that it has now.',
  NOT_EMPTY: 'Delete its children first (`ls` shows them), or everything at once with `delete -R`.',
  SESSION_EXPIRED: 'Its ephemeral znodes and locks are gone. The next command that needs a session opens a new one.',
  QUOTA_EXCEEDED: 'See `quota` of the path that is named; `quota set` changes it.',
  TOO_MANY_NODES: 'Delete smaller parts one by one.',
  NO_QUORUM: 'A majority of the servers must be up: `status` shows which are; `cluster restart <id>` starts one again.',
  CONNECTION_LOSS: 'See whether the servers run (`zkl cluster status`), and whether --endpoints is right.',
  TIMEOUT: 'See how the servers are (`status`), and try again, or wait longer with --timeout.',
};

function hintOf(error: ZklError): string | undefined {
  if (error.outcome === 'unknown') return 'Read before writing again: repeating it blindly could apply it twice.';
  return hints[error.code] ?? (error.retryable ? 'Try again.' : undefined);
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR')
  );
}
