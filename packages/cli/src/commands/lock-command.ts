import type { Holding } from '@zkl/client-sdk/recipes/lock';
import { ReadWriteLock } from '@zkl/client-sdk/recipes/read-write-lock';
import { showName } from '../output/bytes.js';
import { CommandError, EXIT_OK } from '../output/explain-error.js';
import type { Output } from '../output/output.js';
import { JOBS_MAX } from '../shell/jobs.js';
import type { CommandSpec } from './command.js';
import { type Context, timed } from './context.js';
import { FENCING_TOKEN_VARIABLE, runHeld } from './held-command.js';
import { duration } from './option-parsers.js';
import { aborted, sessionTimeoutOption, useSession } from './own-session.js';

type Options = Readonly<Record<string, unknown>>;

/** `lock`: hold a lock while a command runs, or until it is given back. */
export const lockCommand: CommandSpec = {
  name: 'lock',
  args: '<path> [command...]',
  summary: 'hold a lock while a command runs; without a command: until it is stopped',
  teaches:
    'Whoever wants the lock makes an ephemeral sequential znode below the path. The lowest number holds it; every other one watches only the ' +
    'one before it, so a release wakes one waiter and not all. A dead holder loses it when its session expires. A holder that stood ' +
    `still may not know that it lost it: so the command finds a token in ${FENCING_TOKEN_VARIABLE} that grows from holder to holder, and what ` +
    'it writes to should refuse a lower one than it has seen. When the lock is lost the command is killed. Programs take the same lock with the ' +
    'recipes `lock` and `read-write-lock` of the client.',
  examples: [
    'lock /locks/report -- ./make-report.sh',
    'lock /locks/report --shared -- cat report',
    'lock /locks/report',
  ],
  completes: 'path',
  options: [
    { flags: '--shared', summary: 'together with other shared holders; excludes those that are not' },
    {
      flags: '--wait <duration>',
      summary: 'give up when it is not had by then (default: wait for ever)',
      parse: duration('--wait', 2 ** 31 - 1),
    },
    sessionTimeoutOption,
  ],
  run: async (context, [path = '', ...command], options) => {
    if (context.shell?.jobs.isFull) throw new CommandError('TOO_MANY_JOBS', `${JOBS_MAX} jobs go on already`);
    const { result: holding, elapsedMs } = await timed(() => acquire(context, path, options));
    showHolding(context.output, 'lock', path, holding, elapsedMs);
    if (command.length > 0) {
      try {
        return await runHeld(context, command, holding);
      } finally {
        await holding.release();
      }
    }
    return hold(context, path, holding);
  },
};

async function acquire(context: Context, path: string, options: Options): Promise<Holding> {
  const lock = new ReadWriteLock(await useSession(context, options), path);
  const call = { signal: context.signal, timeoutMs: options.wait as number | undefined };
  try {
    // A writer also waits for, and is waited for by, those that take the path as a plain lock.
    return await (options.shared === true ? lock.acquireRead(call) : lock.acquireWrite(call));
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'TimeoutError') throw error;
    throw new CommandError(
      'LOCK_TAKEN',
      `${path} was not free in time`,
      `See who is in the queue: ls -R ${path} --stat`,
    );
  }
}

/** In a shell it is held behind the prompt. */
async function hold(context: Context, path: string, holding: Holding): Promise<number> {
  const { output, shell, signal } = context;
  if (shell) {
    const job = shell.jobs.start(`lock ${path}`, output, (_, stopped) => untilLost(path, holding, stopped));
    output.note(output.style.quiet(`job ${job.id} holds it; \`stop ${job.id}\` gives it back`));
    return EXIT_OK;
  }
  output.note(output.style.quiet('held until Ctrl-C'));
  await untilLost(path, holding, signal);
  return EXIT_OK;
}

async function untilLost(path: string, holding: Holding, stopped: AbortSignal): Promise<void> {
  await aborted(AbortSignal.any([stopped, holding.signal]));
  const isLost = holding.signal.aborted;
  await holding.release();
  if (isLost && !stopped.aborted) throw new CommandError('HOLD_LOST', `the lock ${path} is lost`, 'Take it again.');
}

/** Tells that something is held, and with which token. */
export function showHolding(
  output: Output,
  command: 'lock' | 'elect',
  path: string,
  { token }: Holding,
  waitedMs: number,
): void {
  const { style } = output;
  const object = { command, event: command === 'lock' ? 'acquired' : 'elected', path, fencingToken: String(token) };
  output.answer({ ...object, waitedMs: Math.round(waitedMs) }, () => {
    const what = command === 'lock' ? style.good('holding') : `${style.good('elected')}: leading`;
    return `${what} ${showName(path)} · ${style.quiet('fencing token')} ${token} · ${style.quiet(`waited ${waitedMs.toFixed(0)} ms`)}`;
  });
}
