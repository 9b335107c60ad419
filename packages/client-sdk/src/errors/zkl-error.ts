import type { ErrorOutcome, ZklErrorCode } from './error-code.js';

/** Shared by every copy of this package in a process (ESM beside CommonJS, two versions), where `instanceof` is not. */
const brand = Symbol.for('@zkl/client-sdk/ZklError');

/** What a {@link ZklError} is made of. */
export interface ZklErrorInit {
  readonly code: ZklErrorCode;
  /** What happened, in one sentence, without the outcome: the constructor adds it. */
  readonly message: string;
  readonly outcome: ErrorOutcome;
  /** Default: false. */
  readonly retryable?: boolean | undefined;
  readonly path?: string | undefined;
  readonly zxid?: bigint | undefined;
  /** What to do, in one sentence. */
  readonly hint?: string | undefined;
  /** How often the request was sent. Default: 0. */
  readonly attempts?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Every error that this package throws. Tell errors apart by {@link ZklError.code}, with {@link isZklError}, or with the
 * subclasses; never by the message.
 *
 * @example
 * ```ts
 * import { createClient, isZklError } from '@zkl/client-sdk';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * try {
 *   await client.set('/config', 'on', { version: 3 });
 * } catch (error) {
 *   if (isZklError(error, 'BAD_VERSION')) console.log('somebody else was faster', error.path);
 *   else throw error;
 * }
 * ```
 */
export class ZklError extends Error {
  /** The stable name of what happened. */
  readonly code: ZklErrorCode;
  /** Whether the request took effect. */
  readonly outcome: ErrorOutcome;
  /** True when the same call may succeed later, unchanged. The client has already retried until the call's deadline. */
  readonly retryable: boolean;
  /** The path that the error speaks of, where it speaks of one. */
  readonly path: string | undefined;
  /** The zxid at which a refused write was ordered in the log, where it was. */
  readonly zxid: bigint | undefined;
  /** How often the request was sent to a server. */
  readonly attempts: number;

  constructor(init: ZklErrorInit) {
    super(composeMessage(init), init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.outcome = init.outcome;
    this.retryable = init.retryable ?? false;
    this.path = init.path;
    this.zxid = init.zxid;
    this.attempts = init.attempts ?? 0;
    Object.defineProperty(this, brand, { value: true });
  }

  override get name(): string {
    return this.constructor === ZklError ? 'ZklError' : this.constructor.name;
  }
}

/** For people only: the code, what happened, whether it took effect, and what to do, each said once. */
function composeMessage(init: ZklErrorInit): string {
  const prefix = `${init.code}: `;
  const happened = init.message.startsWith(prefix) ? init.message.slice(prefix.length) : init.message;
  let message = `${prefix}${withoutFullStop(happened)}.`;
  if (init.outcome === 'unknown' && !/may have been applied/.test(message))
    message += ' It may have been applied, or may yet be.';
  if (init.hint !== undefined && init.hint !== '' && !message.includes(withoutFullStop(init.hint))) {
    message += ` ${withoutFullStop(init.hint)}.`;
  }
  return message;
}

function withoutFullStop(sentence: string): string {
  return sentence.endsWith('.') ? sentence.slice(0, -1) : sentence;
}

/** {@link ZklErrorCode} `NO_NODE`: there is no znode at the path (or, for a create, at its parent). */
export class NoNodeError extends ZklError {}
/** {@link ZklErrorCode} `NODE_EXISTS`: there is a znode at the path already. */
export class NodeExistsError extends ZklError {}
/** {@link ZklErrorCode} `BAD_VERSION`: the znode does not have the version that the call expected. */
export class BadVersionError extends ZklError {}
/** {@link ZklErrorCode} `NOT_EMPTY`: the znode has children, and so cannot be deleted. */
export class NotEmptyError extends ZklError {}
/** {@link ZklErrorCode} `BAD_ARGUMENTS`: a path, an option or a value is malformed. */
export class BadArgumentsError extends ZklError {}
/** {@link ZklErrorCode} `NO_QUORUM`: until the deadline no majority of servers could order the request. */
export class NoQuorumError extends ZklError {}
/** {@link ZklErrorCode} `TIMEOUT`: the deadline passed while the client waited for an answer. */
export class TimeoutError extends ZklError {}
/** {@link ZklErrorCode} `ABORTED`: the caller's signal was aborted. The signal's reason is the `cause`. */
export class AbortedError extends ZklError {}
/** {@link ZklErrorCode} `CONNECTION_LOSS`: until the deadline no server could be reached, or every connection broke. */
export class ConnectionLossError extends ZklError {}

/** The subclass of each code that has one. */
interface ErrorClasses {
  NO_NODE: NoNodeError;
  NODE_EXISTS: NodeExistsError;
  BAD_VERSION: BadVersionError;
  NOT_EMPTY: NotEmptyError;
  BAD_ARGUMENTS: BadArgumentsError;
  NO_QUORUM: NoQuorumError;
  TIMEOUT: TimeoutError;
  ABORTED: AbortedError;
  CONNECTION_LOSS: ConnectionLossError;
}

const classes: ReadonlyMap<string, typeof ZklError> = new Map<keyof ErrorClasses, typeof ZklError>([
  ['NO_NODE', NoNodeError],
  ['NODE_EXISTS', NodeExistsError],
  ['BAD_VERSION', BadVersionError],
  ['NOT_EMPTY', NotEmptyError],
  ['BAD_ARGUMENTS', BadArgumentsError],
  ['NO_QUORUM', NoQuorumError],
  ['TIMEOUT', TimeoutError],
  ['ABORTED', AbortedError],
  ['CONNECTION_LOSS', ConnectionLossError],
]);

/** Makes the error of the class that belongs to the code. @internal */
export function makeError(init: ZklErrorInit): ZklError {
  const ErrorClass = classes.get(init.code) ?? ZklError;
  return new ErrorClass(init);
}

/**
 * Tells whether something caught is a {@link ZklError}, and one of a code if one is given. Unlike `instanceof` it also
 * knows errors of another copy of this package.
 *
 * @param error - What was caught.
 * @param code - The code that it must have. Default: any.
 */
export function isZklError(error: unknown): error is ZklError;
export function isZklError<C extends ZklErrorCode>(error: unknown, code: C): error is ZklError & { readonly code: C };
export function isZklError(error: unknown, code?: ZklErrorCode): boolean {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  return code === undefined || (error as { readonly code?: unknown }).code === code;
}
