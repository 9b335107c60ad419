import type { Quota } from './commands.js';
import type { ErrorCode, ErrorOutcome } from './error-codes.js';
import type { ChildAnswer } from './operations.js';
import type { Result } from './results.js';
import type { Stat, Zxid } from './stat.js';

/** What the answer is a picture of: the last zxid applied on the server that answered, at the moment of reading. */
interface At {
  readonly zxid: Zxid;
}

export interface NodeReply extends At {
  readonly kind: 'node';
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

export interface ExistsReply extends At {
  readonly kind: 'exists';
  /** Undefined when there is no such node. */
  readonly stat: Stat | undefined;
}

export interface ChildrenReply extends At {
  readonly kind: 'children';
  readonly children: readonly ChildAnswer[];
  /** True when names remain. */
  readonly more: boolean;
  /** The parent's own. */
  readonly stat: Stat;
}

export interface CountReply extends At {
  readonly kind: 'count';
  /** Descendants; the node itself is not counted. */
  readonly count: number;
}

export interface QuotaReply extends At {
  readonly kind: 'quota';
  /** Undefined when there is none at this path; then the usage is 0. */
  readonly quota: Quota | undefined;
  /** What the subtree uses now. */
  readonly count: number;
  readonly bytes: number;
}

export interface RegisterReply extends At {
  readonly kind: 'register';
  /** Undefined while nothing was ever written. */
  readonly value: Uint8Array | undefined;
  readonly version: number;
  readonly mzxid: Zxid;
  readonly guesses: number;
  readonly hits: number;
}

/** An operation was not done, or a read has no answer. The hint stands in ERROR_CODES. */
export interface RefusedReply extends At {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly outcome: ErrorOutcome;
  readonly retryable: boolean;
  readonly path: string | undefined;
  /** The leader that the server knows of; 0 when none. */
  readonly leaderId: number;
}

/** One answer of a multi-read; its zxid is the multi-read's. */
export type SingleReply = NodeReply | ExistsReply | ChildrenReply | CountReply | QuotaReply | RefusedReply;

export interface MultiReply extends At {
  readonly kind: 'multi';
  readonly answers: readonly SingleReply[];
}

/** The watch stands: every change after this zxid, or after `from` where that is less, will come. */
export interface WatchingReply extends At {
  readonly kind: 'watching';
}

/** The answer to a sync, to the end of a watch, to a demand for progress. */
export interface DoneReply extends At {
  readonly kind: 'done';
}

/** The reply to one operation of a session stream: the result of a write, the answer to a read, or why there is none. */
export type Reply = Result | SingleReply | RegisterReply | MultiReply | WatchingReply | DoneReply;
