import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Holding } from '@zkl/client-sdk/recipes/lock';
import { CommandError } from '../output/explain-error.js';
import type { Context } from './context.js';

/** The variable in which a command finds its fencing token, as a decimal number. */
export const FENCING_TOKEN_VARIABLE = 'ZKL_FENCING_TOKEN';

/**
 * Runs a command while something is held. When it is lost the command is killed at once (SIGKILL, its whole process group where it has one
 * of its own): it must not meet the next holder. Ctrl-C goes to the command, which ends when it likes. The command dies with this program,
 * unless that is killed itself with SIGKILL: then only the fencing token protects the resource.
 *
 * @returns The command's exit code, 128 and the signal's number when a signal ended it.
 * @throws CommandError `HOLD_LOST`, `COMMAND_NOT_STARTED`.
 */
export async function runHeld(
  context: Context,
  words: readonly string[],
  holding: Pick<Holding, 'token' | 'signal'>,
): Promise<number> {
  const { signal } = context;
  const command = start(context, words, holding.token);
  const { child } = command;
  const onLost = (): void => command.kill('SIGKILL');
  const onInterrupt = (): void => command.kill('SIGINT');
  process.once('exit', onLost);
  holding.signal.addEventListener('abort', onLost, { once: true });
  signal.addEventListener('abort', onInterrupt, { once: true });
  try {
    const ended = once(child, 'exit') as Promise<[code: number | null, by: NodeJS.Signals | null]>;
    if (holding.signal.aborted) onLost();
    if (signal.aborted) onInterrupt();
    const [code, by] = await ended;
    if (holding.signal.aborted && by === 'SIGKILL')
      throw new CommandError('HOLD_LOST', 'what was held is lost, and the command was killed', 'It may be run again.');
    return code ?? 128 + (by ? constants.signals[by] : 0);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      'COMMAND_NOT_STARTED',
      `${words.join(' ')}: ${reason}`,
      'Is it written right, and installed?',
    );
  } finally {
    process.off('exit', onLost);
    holding.signal.removeEventListener('abort', onLost);
    signal.removeEventListener('abort', onInterrupt);
  }
}

interface RunningCommand {
  readonly child: ChildProcess;
  kill(by: NodeJS.Signals): void;
}

function start({ output, shell }: Context, [name = '', ...args]: readonly string[], token: bigint): RunningCommand {
  // With a group of its own whatever it starts can be killed with it. But a group in the background may not read from the terminal.
  const detached = shell !== undefined || !process.stdin.isTTY;
  const child = spawn(name, args, {
    // The shell reads its lines itself; and with --json its own answers are all that stands on the output stream.
    stdio: [shell ? 'ignore' : 'inherit', output.json ? 2 : 'inherit', 'inherit'],
    env: { ...process.env, [FENCING_TOKEN_VARIABLE]: String(token) },
    detached,
  });
  const kill = (by: NodeJS.Signals): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(detached ? -child.pid : child.pid, by);
    } catch {
      // It has just ended.
    }
  };
  return { child, kill };
}
