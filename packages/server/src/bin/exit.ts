import { CommanderError } from 'commander';
import { toServerError } from '../errors/to-server-error.js';

/** Ends the process for a reason, which goes to standard error: `zkl-server: CODE: what happened and what to do`. */
export function exitWith(error: unknown): never {
  // Commander has said it already; asking for help or the version is no error.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  const reason = toServerError(error);
  const lines = reason.message.split('\n').map((line) => `zkl-server: ${reason.code}: ${line}`);
  if (reason.code === 'INTERNAL' && error instanceof Error) lines.push(error.stack ?? '');
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(reason.exitCode);
}
