import { hostname } from 'node:os';
import { isZklError } from '@zkl/client-sdk';
import { LeaderElection } from '@zkl/client-sdk/recipes/leader-election';
import { CommandError } from '../output/explain-error.js';
import type { CommandSpec } from './command.js';
import { type Context, timed } from './context.js';
import { FENCING_TOKEN_VARIABLE, runHeld } from './held-command.js';
import { showHolding } from './lock-command.js';
import { sessionTimeoutOption, useSession } from './own-session.js';

type Options = Readonly<Record<string, unknown>>;

/** `elect`: run a command on one of many machines at a time. */
export const electCommand: CommandSpec = {
  name: 'elect',
  args: '<path> <command...>',
  summary: 'stand for leader, and run a command while leading',
  teaches:
    'Start it on several machines: one leads and runs the command, the others wait. When the leader dies, the next one is elected as soon as the ' +
    'session of the dead one has expired. A leader that was cut off has its command killed before another one leads, and stands again. When the ' +
    `command ends by itself, the leader resigns and ends with its exit code. ${FENCING_TOKEN_VARIABLE} holds a token that grows from term to term.`,
  examples: ['elect /leaders/mailer -- ./send-mail.sh'],
  completes: 'path',
  options: [sessionTimeoutOption],
  run: async (context, [path = '', ...command], options) => {
    for (;;) {
      try {
        return await lead(context, path, command, options);
      } catch (error) {
        if (context.signal.aborted || !isWorthAnotherTerm(error)) throw error;
        const what = error instanceof Error ? error.message : String(error);
        context.output.answer({ command: 'elect', event: 'lost', path }, () => `not leading: ${what}; standing again`);
      }
    }
  },
};

async function lead(context: Context, path: string, command: readonly string[], options: Options): Promise<number> {
  const session = await useSession(context, options);
  const election = new LeaderElection(session, path, { data: `${hostname()}:${process.pid}` });
  const { result: term, elapsedMs } = await timed(() => election.lead({ signal: context.signal }));
  try {
    showHolding(context.output, 'elect', path, term, elapsedMs);
    return await runHeld(context, command, term);
  } finally {
    await term.release();
  }
}

function isWorthAnotherTerm(error: unknown): boolean {
  if (error instanceof CommandError) return error.code === 'HOLD_LOST';
  return isZklError(error) && (error.retryable || error.code === 'SESSION_EXPIRED');
}
