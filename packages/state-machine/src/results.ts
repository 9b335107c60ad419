import type { ErrorCode } from './error-codes.js';
import type { Stat, Zxid } from './stat.js';

/** Where the write was ordered. A repeated answer carries the zxid of the first time. */
interface Ordered {
  readonly zxid: Zxid;
}

export interface CreatedResult extends Ordered {
  readonly kind: 'created';
  /** The full path, with the suffix of a sequential node. */
  readonly path: string;
  readonly stat: Stat;
}

export interface SetResult extends Ordered {
  readonly kind: 'set';
  readonly stat: Stat;
}

export interface DeletedResult extends Ordered {
  readonly kind: 'deleted';
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

export interface ErrorResult extends Ordered {
  readonly kind: 'error';
  readonly code: ErrorCode;
  /** The path that the error speaks of, when it speaks of one. */
  readonly path: string | undefined;
}

/** The result of one write. */
export type Result = CreatedResult | SetResult | DeletedResult | RegisterWrittenResult | GuessedResult | ErrorResult;
