import type { ErrorCode } from './error-codes.js';
import type { SessionId, Stat, Zxid } from './stat.js';

/** Where the write was ordered. A repeated answer carries the zxid of the first time. */
interface Ordered {
  readonly zxid: Zxid;
}

export interface CreatedResult extends Ordered {
  readonly kind: 'created';
  /** The full path, with the suffix of a sequential node. */
  readonly path: string;
  readonly stat: Stat;
  /** False when `ifAbsent` found the node there: path and stat are that node's. */
  readonly created: boolean;
}

export interface SetResult extends Ordered {
  readonly kind: 'set';
  readonly stat: Stat;
}

export interface DeletedResult extends Ordered {
  readonly kind: 'deleted';
}

export interface DeletedRecursiveResult extends Ordered {
  readonly kind: 'deletedRecursive';
  /** Nodes removed, the one at the top among them. */
  readonly count: number;
}

/** A `get` in a transaction. */
export interface GotResult extends Ordered {
  readonly kind: 'got';
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

/** An `exists` in a transaction. */
export interface ExistedResult extends Ordered {
  readonly kind: 'existed';
  /** Undefined when there was no such node. */
  readonly stat: Stat | undefined;
}

/** A check that held, or an operation before one that failed. */
export interface OkResult extends Ordered {
  readonly kind: 'ok';
}

export interface TransactionResult extends Ordered {
  readonly kind: 'transaction';
  /** Which list was done. */
  readonly branch: 'then' | 'else';
  /** True when every operation of it took effect; false when one failed, and none did. */
  readonly committed: boolean;
  /** One for each operation. When one failed: `ok` before it, its error, RUNTIME_INCONSISTENCY after it. */
  readonly results: readonly OperationResult[];
}

export interface QuotaSetResult extends Ordered {
  readonly kind: 'quotaSet';
}

export interface ReapedResult extends Ordered {
  readonly kind: 'reaped';
  /** Nodes removed. */
  readonly count: number;
}

export interface RegisterWrittenResult extends Ordered {
  readonly kind: 'registerWritten';
  /** The register's version after this write: 1 for the first. */
  readonly version: number;
}

export interface GuessedResult extends Ordered {
  readonly kind: 'guessed';
  readonly matched: boolean;
  /** The version of the value it was held against; 0 when there was none. */
  readonly version: number;
  /** The server that ordered it. */
  readonly leader: number;
}

export interface SessionOpenedResult extends Ordered {
  readonly kind: 'sessionOpened';
  /** The zxid of this write. */
  readonly session: SessionId;
  readonly timeoutMs: number;
}

export interface SessionClosedResult extends Ordered {
  readonly kind: 'sessionClosed';
  /** Ephemeral nodes that went with it. */
  readonly deleted: number;
}

export interface SessionsExpiredResult extends Ordered {
  readonly kind: 'sessionsExpired';
  /** Sessions that were there still, and are not now. */
  readonly count: number;
}

export interface ErrorResult extends Ordered {
  readonly kind: 'error';
  readonly code: ErrorCode;
  /** The path that the error speaks of, when it speaks of one. */
  readonly path: string | undefined;
}

/** The result of one operation of a transaction; its zxid is the transaction's. */
export type OperationResult =
  | CreatedResult
  | SetResult
  | DeletedResult
  | DeletedRecursiveResult
  | GotResult
  | ExistedResult
  | OkResult
  | ErrorResult;

/** The result of one write. */
export type Result =
  | CreatedResult
  | SetResult
  | DeletedResult
  | DeletedRecursiveResult
  | TransactionResult
  | QuotaSetResult
  | ReapedResult
  | RegisterWrittenResult
  | GuessedResult
  | SessionOpenedResult
  | SessionClosedResult
  | SessionsExpiredResult
  | ErrorResult;
