import type { Zxid } from '@zkl/consensus';
import { ERROR_CODES, type ErrorCode, type ErrorOutcome } from '@zkl/state-machine';

/** Why a request has no answer: data, made once it failed. The edge of each protocol turns it into its own kind of error. */
export interface Failure {
  readonly code: ErrorCode;
  /** `unknown` only for writes. */
  readonly outcome: ErrorOutcome;
  /** The same request, unchanged, may succeed later, and sending it again can do no harm. */
  readonly retryable: boolean;
  /** What is special about this case, in a sentence; undefined when the code says all. Holds no path and no client data. */
  readonly message?: string | undefined;
  readonly path?: string | undefined;
  /** Where a failed write was ordered in the log. */
  readonly zxid?: Zxid | undefined;
}

/** A failure of which it is certain that it changed nothing, and never will. */
export function rejected(
  code: ErrorCode,
  details: { message?: string; path?: string | undefined; zxid?: Zxid } = {},
): Failure {
  return { code, outcome: 'rejected', retryable: ERROR_CODES[code].retryable, ...details };
}

/** A read that gave up waiting: reads change nothing, so trying again does no harm. */
export function readTimedOut(code: ErrorCode, message: string): Failure {
  return { code, outcome: 'rejected', retryable: true, message };
}

/** A write that may have been applied, or may yet be. With a write id a retry settles it; without one a retry may apply it twice. */
export function outcomeUnknown(code: ErrorCode, hasWriteId: boolean, message: string): Failure {
  return { code, outcome: 'unknown', retryable: hasWriteId, message };
}
