import type { Session } from '@zkl/client-sdk';
import { UsageError } from '../output/explain-error.js';
import { hexZxid } from '../output/zxid.js';
import type { CommandSpec } from './command.js';
import type { Context } from './context.js';
import { sessionTimeoutOption, useSession } from './own-session.js';

/** `session`: the shell's own. */
export const ownSessionCommand: CommandSpec = {
  name: 'session',
  args: '[action]',
  summary: "show the shell's session; `session open` and `session close` begin and end it",
  teaches:
    'A session is a life sign: it owns ephemeral znodes and locks, and they are gone when it is. The shell opens one when you create the ' +
    'first ephemeral znode. Its client pings; the leader counts the time since the last sign of life, and a session that was silent for its ' +
    'timeout is expired through the log, on all servers at the same place. The client counts too, from when it sent the last ping that was ' +
    'confirmed, and gives up a little earlier: it never believes in a session that the cluster has ended.',
  examples: ['session', 'session open --session-timeout 5s', 'session close'],
  only: 'shell',
  options: [sessionTimeoutOption],
  run: async (context, [action], options) => {
    if (action === 'open') return show(context, await useSession(context, options));
    if (action === 'close') return close(context);
    if (action !== undefined) throw new UsageError(`"${action}" is nothing to do`, 'Write: session [open|close]');
    show(context, context.connection.lastSession);
  },
};

function show({ output }: Context, session: Session | undefined): void {
  if (!session) {
    return output.answer(
      { command: 'session', state: 'none' },
      () => 'no session: one is opened when you create the first ephemeral znode',
    );
  }
  const { id, timeoutMs, state } = session;
  const remainingMs = Math.round(session.remainingMs);
  const object = { command: 'session', id: hexZxid(id), timeoutMs, state, remainingMs };
  output.answer(object, () => {
    const { style } = output;
    const shown =
      state === 'connected' ? style.good(state) : state === 'suspended' ? style.warn(state) : style.bad(state);
    return `session ${hexZxid(id)} · ${shown} · ${style.quiet('timeout')} ${timeoutMs} ms · ${style.quiet('left without a sign of life')} ${remainingMs} ms`;
  });
}

async function close({ connection, output }: Context): Promise<void> {
  const id = connection.lastSession?.id;
  const closed = await connection.closeSession();
  output.answer({ command: 'session', state: closed ? 'closed' : 'none' }, () =>
    closed && id !== undefined ? `closed session ${hexZxid(id)}: what it owned is gone` : 'no session was open',
  );
}
