import type { Session } from '@zkl/client-sdk';
import { hexZxid } from '../output/zxid.js';
import type { OptionSpec } from './command.js';
import { type Context, isOver } from './context.js';
import { sessionTimeout } from './option-parsers.js';

/** What commands take that may open the session. */
export const sessionTimeoutOption: OptionSpec = {
  flags: '--session-timeout <duration>',
  summary: 'how long a new session outlives silence (default: 10s)',
  parse: sessionTimeout,
};

/** The program's session, opened if none is; a shell's user is told so. */
export async function useSession(context: Context, options: Readonly<Record<string, unknown>>): Promise<Session> {
  const { connection, output, shell } = context;
  const before = connection.lastSession;
  const session = await connection.session(options.sessionTimeout as number | undefined);
  if (shell?.isInteractive && session !== before) {
    const over = before && isOver(before) ? `session ${hexZxid(before.id)} is over; ` : '';
    const what = `${over}opened session ${hexZxid(session.id)}: it ends with this shell, and with it what it owns`;
    output.note(output.style.quiet(what));
  }
  return session;
}

/**
 * In a shell the session goes on behind the prompt. Elsewhere what it owns would go when the command ends: so this waits until Ctrl-C.
 *
 * @throws ZklError the reason why the session is over, if that comes first.
 */
export async function keepUntilInterrupted(context: Context, session: Session, what: string): Promise<void> {
  const { output, shell, signal } = context;
  if (shell) return;
  output.note(output.style.quiet(`${what} until Ctrl-C`));
  await aborted(AbortSignal.any([signal, session.signal]));
  if (!signal.aborted) session.signal.throwIfAborted();
}

/** Resolves when a signal is aborted, and keeps the program alive until then. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const keepAlive = setInterval(() => undefined, 60_000);
    const onAbort = (): void => {
      clearInterval(keepAlive);
      resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
