import { create } from '@bufbuild/protobuf';
import { OpenRequestSchema, SessionService } from '@zkl/protocol';
import { SESSION_TIMEOUT_MS_MAX } from '@zkl/wire';
import { requireHeader } from '../calls/operation.js';
import { checkCallOptions } from '../client/call-arguments.js';
import type { OpenLink } from '../client/caller.js';
import type { Dispatcher } from '../client/dispatcher.js';
import { toZxid } from '../codec/zxid.js';
import { wholeNumber } from '../options/validate.js';
import type { SessionOptions } from './session.js';
import { ZklSession } from './zkl-session.js';

const SECRET_BYTES = 32;
const TIMEOUT_MS_DEFAULT = 10_000;

/**
 * {@link Client.session}. The secret is made here and leaves this process only to prove the session to a server; the cluster keeps its hash.
 */
export async function openSession(
  dispatcher: Dispatcher,
  openLink: OpenLink,
  options: SessionOptions,
  onEnd: (session: ZklSession) => void,
): Promise<ZklSession> {
  checkCallOptions('session', options, []);
  const timeoutMs = wholeNumber('timeoutMs', options.timeoutMs, 1, SESSION_TIMEOUT_MS_MAX, TIMEOUT_MS_DEFAULT);
  const secret = globalThis.crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const secretHash = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', secret));
  // An earlier attempt of the same call may be the one that was applied.
  const sentAtMs = performance.now();
  const opened = await dispatcher.write(
    {
      method: SessionService.method.open,
      bytes: SECRET_BYTES,
      request: (writeId) => create(OpenRequestSchema, { writeId, timeoutMs, secretHash }),
      view: (reply) => requireHeader(reply.header),
      result: ({ sessionId, timeoutMs: grantedMs }) => ({ sessionId, grantedMs }),
    },
    { signal: options.signal },
  );
  const session = new ZklSession(dispatcher, openLink, {
    id: toZxid(opened.sessionId),
    secret,
    timeoutMs: opened.grantedMs,
    sentAtMs,
    onEnd: () => onEnd(session),
  });
  return session;
}
