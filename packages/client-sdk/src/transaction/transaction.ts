import type { CallOptions } from '../options/call-options.js';
import type { DataInput } from '../client/client.js';
import type { CreateModeOptions } from '../client/create-mode.js';
import type { Stat, WriteResult } from '../client/results.js';
import type { ErrorCode } from '@zkl/wire';

/** Options of a create within a transaction. */
export interface TransactionCreateOptions extends CreateModeOptions {
  /** Take a znode that exists for the answer, in place of `NODE_EXISTS`. Default: false. */
  readonly ifAbsent?: boolean | undefined;
}

/** What one comparison of a transaction asks: exactly one field. */
export type Condition =
  | { readonly version: number | Relation<number> }
  | { readonly cversion: number | Relation<number> }
  | { readonly czxid: bigint | Relation<bigint> }
  | { readonly mzxid: bigint | Relation<bigint> }
  /** Bytes in their order; null is before empty, and equal to nothing else. */
  | { readonly value: DataInput | Relation<DataInput> }
  | { readonly exists: boolean };

/** `['<', 3]`: the znode's field is less than 3. A bare operand means `=`. */
export type Relation<T> = readonly ['=' | '!=' | '<' | '>', T];

/** The steps of a branch of a transaction. Each sees what those before it did. All give the builder back. */
export interface TransactionSteps<Self> {
  create(path: string, data?: DataInput, options?: TransactionCreateOptions): Self;
  set(path: string, data: DataInput, options?: { readonly version?: number | undefined }): Self;
  delete(path: string, options?: { readonly version?: number | undefined }): Self;
  deleteRecursive(path: string, options?: { readonly version?: number | undefined }): Self;
  /** Fails the transaction unless the znode has this version (`BAD_VERSION`), or, without one, unless it exists (`NO_NODE`). */
  check(path: string, version?: number): Self;
  /** Fails the transaction when the znode exists (`NODE_EXISTS`). */
  checkAbsent(path: string): Self;
  /** Answers with data and stat, as the steps before have left them. Fails the transaction when there is no such znode. */
  get(path: string): Self;
  /** Answers with the stat, as the steps before have left it, or that there is none. */
  exists(path: string): Self;
}

/** What one step came to. */
export type StepResult =
  | { readonly kind: 'created'; readonly path: string; readonly stat: Stat; readonly created: boolean }
  | { readonly kind: 'set'; readonly stat: Stat }
  | { readonly kind: 'deleted'; readonly deleted: number }
  | { readonly kind: 'got'; readonly data: Uint8Array | null; readonly stat: Stat; text(): string }
  | { readonly kind: 'existed'; readonly stat: Stat | undefined }
  /** A check that held, or a step before one that failed. */
  | { readonly kind: 'ok' }
  /** The step that failed; `RUNTIME_INCONSISTENCY` for those after it. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly path: string | undefined };

/** What a transaction came to. */
export interface TransactionResult extends WriteResult {
  /** Which branch was done. */
  readonly branch: 'then' | 'else';
  /** True when every step of it took effect; false when one failed, and none did. */
  readonly committed: boolean;
  /** One for each step of the branch, in order. */
  readonly results: readonly StepResult[];
}

/**
 * Several steps as one write, at one zxid: all or nothing. With `when` it is a choice: if all comparisons hold the steps that follow are
 * done (the branch `then`), else those after `otherwise`. A transaction without steps succeeds. A builder is sent once.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * const { results } = await client.transaction().check('/config', 3).create('/config/new', 'x').commit();
 *
 * const { branch } = await client
 *   .transaction()
 *   .when('/leader', { exists: false })
 *   .create('/leader', 'me')
 *   .otherwise()
 *   .get('/leader')
 *   .run();
 * ```
 */
export interface Transaction extends TransactionSteps<Transaction> {
  /** One more comparison, of the znode's state before the transaction. On a znode that does not exist only `exists` can hold. */
  when(path: string, condition: Condition): Transaction;
  /** The steps that follow are of the other branch. Once. */
  otherwise(): Transaction;
  /**
   * Sends it. Resolves when it is committed; applied exactly once.
   *
   * @throws {@link ZklError} the failure of the first step that failed: then no step took effect; and those of every call.
   */
  commit(options?: CallOptions): Promise<TransactionResult>;
  /** The same, but a step that failed is told in the result (`committed: false`). @throws {@link ZklError} those of every call. */
  run(options?: CallOptions): Promise<TransactionResult>;
}
