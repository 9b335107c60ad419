import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  CloseResponseSchema,
  KeepAliveResponseSchema,
  OpenResponseSchema,
  type OpenRequest,
  type SessionService,
} from '@zkl/protocol';
import { SECRET_HASH_BYTES, type Command } from '@zkl/wire';
import { rejected, type Failure } from '../request/failure.js';
import type { SessionToucher } from '../session/session-toucher.js';
import type { Edge } from './edge.js';
import { zxidToBigint } from './zxid-codec.js';

/** Bounds of the timeouts that are granted. */
export interface SessionTimeouts {
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
}

/** What SessionService needs, beside the stream's own parts. */
export interface SessionServiceDependencies {
  readonly edge: Edge;
  readonly timeouts: SessionTimeouts;
  readonly toucher: SessionToucher;
}

/** The timeout of a session that asks for none, in milliseconds, before the server's bounds. */
const TIMEOUT_DEFAULT_MS = 10_000;

/** SessionService without its stream: open, keep alive, close. */
export function sessionService(
  dependencies: SessionServiceDependencies,
): Pick<ServiceImpl<typeof SessionService>, 'open' | 'keepAlive' | 'close'> {
  const { edge, toucher } = dependencies;
  return {
    open: (request, context) =>
      edge.write(context, openCommand(dependencies, request), request.writeId, (result, header) =>
        result.kind === 'sessionOpened'
          ? create(OpenResponseSchema, {
              header,
              sessionId: zxidToBigint(result.session),
              timeoutMs: result.timeoutMs,
            })
          : undefined,
      ),
    keepAlive: ({ session }, context) =>
      edge.withSession(context, session, (id, timeoutMs, done) =>
        toucher.touch({ session: id, attachment: 0 }, 0, (outcome) => {
          if (outcome === 'alive') done(undefined, (header) => create(KeepAliveResponseSchema, { header, timeoutMs }));
          else done(rejected(outcome === 'overloaded' ? 'THROTTLED' : 'SESSION_EXPIRED'));
        }),
      ),
    close: ({ session, writeId }, context) =>
      edge.write(
        context,
        session === undefined
          ? rejected('BAD_ARGUMENTS', { message: 'session must be given.' })
          : { kind: 'sessionClose' },
        writeId,
        (result, header) =>
          result.kind === 'sessionClosed'
            ? create(CloseResponseSchema, { header, deleted: result.deleted })
            : undefined,
        session,
      ),
  };
}

function openCommand(
  { timeouts }: SessionServiceDependencies,
  { timeoutMs, secretHash }: OpenRequest,
): Command | Failure {
  if (secretHash.byteLength !== SECRET_HASH_BYTES) {
    return rejected('BAD_ARGUMENTS', { message: `secret_hash must have ${SECRET_HASH_BYTES} bytes: a SHA-256.` });
  }
  const asked = timeoutMs === 0 ? TIMEOUT_DEFAULT_MS : timeoutMs;
  const granted = Math.min(timeouts.maxSessionTimeoutMs, Math.max(timeouts.minSessionTimeoutMs, asked));
  return { kind: 'sessionOpen', timeoutMs: granted, secretHash };
}
