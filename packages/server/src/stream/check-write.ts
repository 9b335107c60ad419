import type { Zxid } from '@zkl/consensus';
import { KIND_REAP, KIND_SESSION_OPEN, KIND_SESSIONS_EXPIRE, type CommandReader } from '@zkl/wire';
import type { RefusedCode } from './stream-operation.js';

/** Bounds of the sessions that a command may open. */
export interface TimeoutBounds {
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
}

/** Why a client may not have this command in the log, if it may not. What is wrong with its path or data the state machine says. */
export function commandFailure(
  reader: CommandReader,
  own: Zxid | undefined,
  { minSessionTimeoutMs, maxSessionTimeoutMs }: TimeoutBounds,
): RefusedCode | undefined {
  // Only the leader proposes these.
  if (reader.kind === KIND_SESSIONS_EXPIRE || reader.kind === KIND_REAP) return 'BAD_ARGUMENTS';
  if (
    reader.kind === KIND_SESSION_OPEN &&
    !(reader.timeoutMs >= minSessionTimeoutMs && reader.timeoutMs <= maxSessionTimeoutMs)
  ) {
    return 'BAD_ARGUMENTS';
  }
  if (!reader.hasSession) return undefined;
  // A session is proved when its stream begins, and each stream has one at most.
  const isOwn = own?.epoch === reader.sessionEpoch && own.counter === reader.sessionCounter;
  return isOwn ? undefined : 'AUTH_FAILED';
}
