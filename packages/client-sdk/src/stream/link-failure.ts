import { create } from '@bufbuild/protobuf';
import { ErrorDetailSchema, Outcome } from '@zkl/protocol';
import { ERROR_CODES, type ErrorOutcome, type ErrorResult, type RefusedReply } from '@zkl/wire';
import {
  deadlineError,
  interruptedError,
  overloadedError,
  type CallHistory,
  type Failure,
  type Problem,
} from '../calls/call-failure.js';
import { toBigint } from '../codec/zxid.js';
import { makeError, type ZklError } from '../errors/zkl-error.js';
import type { Operation } from './operation.js';

/** A server said no. */
export type Refusal = Failure & { readonly kind: 'refused' };

/** What the operations of a link reject with when no server knows session streams; never shown to callers. */
export const UNSUPPORTED = Symbol('session streams are not supported');

/** Refusals that end a session. */
const SESSION_CODES: ReadonlySet<string> = new Set(['SESSION_EXPIRED', 'SESSION_MOVED']);
/** Refusals of a server that serves, but not this now: another server would say the same. */
const WAIT_CODES: ReadonlySet<string> = new Set(['THROTTLED', 'DISK_FULL', 'TOO_MANY_CLIENTS', 'TOO_MANY_REQUESTS']);

/** Whether another server would refuse it as well: then it is for the same one, later. */
export function isOfAnyServer(code: string): boolean {
  return WAIT_CODES.has(code) || code === 'OUT_OF_ORDER';
}

/** Whether it is the end of the session. */
export function isOfSession(code: string): boolean {
  return SESSION_CODES.has(code);
}

/** What has happened to an operation, as errors are made of. */
export function historyOf(operation: Operation): CallHistory {
  const { path, attempts, unsettled, isWrite } = operation;
  return { kind: isWrite ? 'write' : 'read', path, attempts, unsettled, last: undefined };
}

/** The link has ended. */
export function closedError(operation: Operation): ZklError {
  return interruptedError(historyOf(operation), { abortReason: undefined }, 'closed');
}

/** What a link ended with, for one operation: a write that was sent and not answered may have been applied all the same. */
export function endedError(operation: Operation, error: ZklError): ZklError {
  const { path, attempts, unsettled } = operation;
  if (!unsettled) return error;
  return makeError({ code: error.code, message: error.message, outcome: 'unknown', path, attempts, cause: error });
}

export function overloaded(operation: Operation): ZklError {
  return overloadedError(historyOf(operation));
}

export function abortedError(operation: Operation, signal: AbortSignal): ZklError {
  return interruptedError(historyOf(operation), { abortReason: signal.reason as unknown }, 'aborted');
}

/** What a server sends is none of a zkl server. */
export function garbledOf(operation: Operation, failure: Failure & { kind: 'garbled' }, address: string): ZklError {
  return makeError({
    code: 'PROTOCOL',
    message: `${address} does not answer as a zkl server: ${failure.reason}`,
    outcome: operation.isWrite && operation.unsettled ? 'unknown' : 'rejected',
    path: operation.path,
    attempts: operation.attempts,
    cause: failure.cause,
  });
}

/** The deadline has passed. One that was never sent was not asked of anybody: what stood in its way is the stream's. */
export function deadlineOf(operation: Operation, problem: Problem | undefined): ZklError {
  const last = problem?.failure.kind === 'slow' && operation.attempts === 0 ? undefined : problem;
  return deadlineError(historyOf(operation), operation, last);
}

/** A reply that is a failure, as a refusal of an ordinary call would tell it. */
export function toRefusal(reply: ErrorResult | RefusedReply): {
  readonly failure: Refusal;
  readonly outcome: ErrorOutcome;
  readonly retryable: boolean;
} {
  const entry = ERROR_CODES[reply.code];
  const { outcome, retryable } = reply.kind === 'refused' ? reply : entry;
  const detail = create(ErrorDetailSchema, {
    code: reply.code,
    number: entry.number,
    outcome: outcome === 'rejected' ? Outcome.REJECTED : Outcome.UNKNOWN,
    retryable,
    path: reply.path ?? '',
    leaderId: reply.kind === 'refused' ? reply.leaderId : 0,
    // What is answered from the log was ordered there; a refusal was not, and its zxid says how far the server had come.
    zxid: reply.kind === 'error' ? toBigint(reply.zxid) : 0n,
    hint: entry.hint,
  });
  return { failure: { kind: 'refused', code: '', message: '', detail }, outcome, retryable };
}
