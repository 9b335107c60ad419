import type { UnaryResult } from '../channel/channel.js';
import { makeError, type ZklError } from '../errors/zkl-error.js';
import type { ErrorOutcome } from '../errors/error-code.js';
import { Outcome } from '@zkl/protocol';
import type { CallContext } from './call-context.js';

/** An attempt that did not bring an answer: what the channel told, or that it took too long. */
export type Failure =
  Exclude<UnaryResult<never>, { kind: 'answer' }> | { readonly kind: 'slow'; readonly sent: boolean };

/** What stood in the way of a call, and where. */
export interface Problem {
  readonly failure: Failure;
  readonly address: string;
}

/** What has happened to a call so far. */
export interface CallHistory {
  readonly kind: 'read' | 'write';
  readonly path: string | undefined;
  /** What stands before every path on the server, and is taken off those that it tells. Default: nothing. */
  readonly root?: string;
  attempts: number;
  /** Some attempt may have been applied, or may yet be. */
  unsettled: boolean;
  last: Problem | undefined;
}

/** Whether a failure leaves open what became of a write. */
export function leavesOpen(failure: Failure): boolean {
  switch (failure.kind) {
    case 'slow':
    case 'lost':
      return failure.sent;
    case 'garbled':
      return true;
    case 'refused':
      return failure.detail?.outcome !== Outcome.REJECTED;
  }
}

function outcomeOf(history: CallHistory): ErrorOutcome {
  return history.kind === 'write' && history.unsettled ? 'unknown' : 'rejected';
}

/** A refusal that no retry mends, told by the server. */
export function refusalError(history: CallHistory, refusal: Failure & { kind: 'refused' }, address: string): ZklError {
  const { detail } = refusal;
  const code = detail === undefined || detail.code === '' ? 'PROTOCOL' : detail.code;
  // What was ordered in the log under the write's own number is its first and only answer. Anything else says nothing about an
  // earlier attempt whose answer was lost.
  const ordered = detail !== undefined && detail.zxid !== 0n && detail.outcome === Outcome.REJECTED;
  const unknown = !ordered && (history.unsettled || leavesOpen(refusal));
  return makeError({
    code,
    message: refusal.message === '' ? `Refused by ${address}` : refusal.message,
    outcome: history.kind === 'write' && unknown ? 'unknown' : 'rejected',
    retryable: detail?.retryable,
    path: detail !== undefined && detail.path !== '' ? withoutRoot(detail.path, history.root) : history.path,
    zxid: detail !== undefined && detail.zxid !== 0n ? detail.zxid : undefined,
    hint: detail?.hint,
    attempts: history.attempts,
  });
}

function withoutRoot(path: string, root = ''): string {
  return path.startsWith(root) ? path.slice(root.length) || '/' : path;
}

/** Too many answers made no sense. */
export function garbledError(history: CallHistory, failure: Failure & { kind: 'garbled' }, address: string): ZklError {
  return makeError({
    code: 'PROTOCOL',
    message: `${address} does not answer as a zkl server: ${lowerFirst(failure.reason)}`,
    outcome: outcomeOf(history),
    path: history.path,
    hint: 'Check that the endpoint is the client port of a zkl server, and what stands between',
    attempts: history.attempts,
    cause: failure.cause,
  });
}

/** The only attempt of a call failed. */
export function failureError(history: CallHistory, failure: Failure, address: string): ZklError {
  switch (failure.kind) {
    case 'refused':
      return refusalError(history, failure, address);
    case 'garbled':
      return garbledError(history, failure, address);
    case 'lost':
      return connectionLossError(history, failure, `${address} could not be reached`);
    case 'slow':
      return makeError({
        code: 'TIMEOUT',
        message: `${address} did not answer`,
        outcome: outcomeOf(history),
        retryable: true,
      });
  }
}

function connectionLossError(history: CallHistory, failure: Failure & { kind: 'lost' }, what: string): ZklError {
  const { cause } = failure;
  const why = cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : '';
  return makeError({
    code: 'CONNECTION_LOSS',
    message: `${what}: ${lowerFirst(failure.reason)}${why}`,
    outcome: outcomeOf(history),
    retryable: true,
    path: history.path,
    hint: 'Check that the servers run, and the endpoints',
    attempts: history.attempts,
    cause,
  });
}

/** The call was interrupted by its caller, or by the end of the client. */
export function interruptedError(
  history: CallHistory,
  context: Pick<CallContext, 'abortReason'>,
  by: 'aborted' | 'closed',
): ZklError {
  return makeError({
    code: by === 'aborted' ? 'ABORTED' : 'CLIENT_CLOSED',
    message: by === 'aborted' ? 'The call was aborted' : 'The client was closed',
    outcome: outcomeOf(history),
    path: history.path,
    attempts: history.attempts,
    cause: by === 'aborted' ? context.abortReason : undefined,
  });
}

/** Too many calls wait already. */
export function overloadedError(history: CallHistory): ZklError {
  return makeError({
    code: 'CLIENT_OVERLOADED',
    message: `Too many ${history.kind}s wait in this client`,
    outcome: 'rejected',
    retryable: true,
    path: history.path,
    hint: 'Await earlier calls before making more',
  });
}

/**
 * The deadline has passed: the error tells what stood in the way last.
 *
 * @param last - Of this call, or of the client's others if this one never came to its turn.
 */
export function deadlineError(
  history: CallHistory,
  context: Pick<CallContext, 'timeoutMs'>,
  last: Problem | undefined,
): ZklError {
  const within = `within ${context.timeoutMs} ms`;
  const base = { outcome: outcomeOf(history), retryable: true, path: history.path, attempts: history.attempts };
  if (last === undefined) {
    return makeError({ ...base, code: 'TIMEOUT', message: `The call did not come to its turn ${within}` });
  }
  const { failure, address } = last;
  if (failure.kind === 'refused' && failure.detail !== undefined && failure.detail.code !== '') {
    const message = `Not served ${within}; ${address} said last: ${failure.message === '' ? failure.detail.code : failure.message}`;
    return makeError({ ...base, code: failure.detail.code, message, hint: failure.detail.hint });
  }
  if (failure.kind === 'lost') {
    return connectionLossError(history, failure, `No server answered ${within}; ${address} last`);
  }
  const cause = failure.kind === 'garbled' ? failure.cause : undefined;
  return makeError({ ...base, code: 'TIMEOUT', message: `No answer ${within}; ${address} was asked last`, cause });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
