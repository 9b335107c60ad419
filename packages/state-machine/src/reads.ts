import type { ErrorCode, Quota, SessionId, Stat, Zxid } from '@zkl/wire';

/** A read that has no answer. Codes: NO_NODE, BAD_ARGUMENTS. */
export interface ReadError {
  readonly kind: 'error';
  readonly code: ErrorCode;
  readonly path: string;
}

export interface NodeAnswer {
  readonly kind: 'node';
  /** A copy, the caller's own. */
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

export interface ExistsAnswer {
  readonly kind: 'exists';
  /** Undefined when there is no such node. */
  readonly stat: Stat | undefined;
}

export interface ChildEntry {
  readonly name: string;
  /** Present when asked for. */
  readonly stat: Stat | undefined;
  /** Present when asked for; a copy, the caller's own. */
  readonly data: Uint8Array | null | undefined;
}

export interface ChildrenOptions {
  /** Only names after this one, in the order of their UTF-8 bytes; it need not exist. Default: from the first. */
  readonly startAfter?: string | undefined;
  /** Children in the answer, 1 .. 10,000. Default 1,000. */
  readonly limit?: number | undefined;
  /** The answer ends before it outgrows this many bytes, but holds at least one child. Default 1 MiB. */
  readonly maxBytes?: number | undefined;
  readonly withStat?: boolean | undefined;
  readonly withData?: boolean | undefined;
}

export interface ChildrenAnswer {
  readonly kind: 'children';
  /** In the order of the names' UTF-8 bytes. */
  readonly children: readonly ChildEntry[];
  /** True when names remain. */
  readonly more: boolean;
  /** The parent's own. */
  readonly stat: Stat;
}

export interface RegisterAnswer {
  /** Undefined while nothing was ever written; a copy, the caller's own. */
  readonly value: Uint8Array | undefined;
  /** 0 while nothing was ever written. */
  readonly version: number;
  /** The write that is read; zero while nothing was ever written. */
  readonly mzxid: Zxid;
  /** How many guesses were made, and how many of them matched. */
  readonly guesses: number;
  readonly hits: number;
}

export interface SessionAnswer {
  /** The zxid that made it. */
  readonly id: SessionId;
  readonly timeoutMs: number;
  /** The SHA-256 of its secret: a copy, the caller's own. */
  readonly secretHash: Uint8Array;
  /** How many ephemerals it owns. */
  readonly ephemerals: number;
}

/** A node that may be reaped: what a reap command names. */
export interface NodeRefAnswer {
  readonly path: string;
  readonly czxid: Zxid;
}

export interface CountAnswer {
  readonly kind: 'count';
  /** Descendants; the node itself is not counted. */
  readonly count: number;
}

export interface QuotaAnswer {
  readonly kind: 'quota';
  /** Undefined when there is none at this path; then the usage is 0. */
  readonly quota: Quota | undefined;
  /** What the subtree uses now, its top included: nodes, and bytes of data. */
  readonly count: number;
  readonly bytes: number;
}
