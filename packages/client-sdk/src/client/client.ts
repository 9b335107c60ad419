import type { CallOptions, ReadOptions, VersionOptions } from '../options/call-options.js';
import type { CreateModeOptions } from './create-mode.js';
import type { Codec, StandardSchema } from '../node/codec.js';
import type { TypedNode } from '../node/typed-node.js';
import type { Mirror, MirrorOptions } from '../watch/mirror.js';
import type { Watch, WatchOptions } from '../watch/watch.js';
import type { ClusterMembers, ServerInfo, ServerStatus, ServerStatusReport } from './cluster-results.js';
import type { Session, SessionOptions } from '../session/session.js';
import type { Transaction } from '../transaction/transaction.js';
import type { MultiReadItem, MultiReadResult } from './multi-read.js';
import type {
  Child,
  ChildrenPage,
  CountResult,
  CreateResult,
  DeleteRecursiveResult,
  GetResult,
  Quota,
  QuotaResult,
  RegisterGuessResult,
  RegisterReadResult,
  RegisterWriteResult,
  SetResult,
  Stat,
  WriteResult,
} from './results.js';

/** Data to write. A string is encoded as UTF-8. Bytes are copied before the call returns: they may be reused at once. */
export type DataInput = Uint8Array | string | null;

/** Options of {@link Calls.create}. */
export interface CreateOptions extends CallOptions, CreateModeOptions {
  /** Take a znode that exists for the answer (`created: false`) in place of `NODE_EXISTS`. Not for sequential ones. Default: false. */
  readonly ifAbsent?: boolean | undefined;
}

/** Options of {@link Calls.set} and {@link Calls.delete}. */
export interface ConditionalWriteOptions extends CallOptions, VersionOptions {}

/** Options of reads. */
export interface ReadCallOptions extends CallOptions, ReadOptions {}

/** Options of {@link Calls.children}. */
export interface ChildrenOptions extends ReadCallOptions {
  /** Each child carries its stat. Default: false. */
  readonly withStat?: boolean | undefined;
  /** Each child carries its data. Default: false. */
  readonly withData?: boolean | undefined;
  /** Children a page, at most: 1 to 10,000. Default: 1,000. The server ends a page before it outgrows a message. */
  readonly pageSize?: number | undefined;
  /** Only names after this one, in the order of their UTF-8 bytes. Default: from the first. */
  readonly startAfter?: string | undefined;
}

/** Options of {@link ClusterApi.status}: at most one of the two. */
export interface StatusOptions extends CallOptions {
  /** The server at this endpoint, which need not be one of the client's. */
  readonly endpoint?: string | undefined;
  /** The server with this id. */
  readonly serverId?: number | undefined;
}

/** Options of {@link Client.connect}. */
export interface ConnectOptions extends CallOptions {
  /** Talk to this server only from now on; null: to whichever serves best again. Default: as it was. */
  readonly serverId?: number | null | undefined;
}

/** One replicated value that can be written, read and guessed. It stands on the znode `/zkl/register`. */
export interface RegisterApi {
  /** Writes the value. Resolves when it is committed. Applied exactly once. */
  write(value: Uint8Array | string, options?: CallOptions): Promise<RegisterWriteResult>;
  /** Reads the value; linearizable by default. */
  read(options?: ReadCallOptions): Promise<RegisterReadResult>;
  /**
   * Asks whether the value is this one. A guess goes through the leader and the log, and so is totally ordered with the
   * writes; it changes nothing but the counters of guesses and hits.
   */
  guess(value: Uint8Array | string, options?: CallOptions): Promise<RegisterGuessResult>;
}

/** What the servers tell of themselves and the cluster, without a quorum. */
export interface ClusterApi {
  /**
   * The status of one server: that of `endpoint` or `serverId`, which is asked once, or else of any that answers.
   */
  status(options?: StatusOptions): Promise<ServerStatus>;
  /**
   * The status of every member, asked at the same time, once each; of the client's endpoints where the members are not
   * known. A server that does not answer is reported, and fails nothing. Default deadline: 2,000 ms. In the order of ids.
   */
  statusAll(options?: CallOptions): Promise<readonly ServerStatusReport[]>;
  /** The members of the cluster, as one server knows them. */
  members(options?: CallOptions): Promise<ClusterMembers>;
}

/** What can be asked of the tree, by a client or by a session. */
export interface Calls {
  /**
   * Creates a znode. Resolves when that is committed.
   *
   * @param path - Absolute. With `sequential` a prefix, which may end with `/`.
   * @param data - Default: null, which is not the same as empty.
   * @throws {@link ZklError} `NODE_EXISTS`, `NO_NODE` (no parent), `BAD_ARGUMENTS`, `VALUE_TOO_LARGE`, and those of every call.
   */
  create(path: string, data?: DataInput, options?: CreateOptions): Promise<CreateResult>;
  /** Reads a znode's data and stat. @throws {@link ZklError} `NO_NODE`, `BAD_ARGUMENTS`, and those of every call. */
  get(path: string, options?: ReadCallOptions): Promise<GetResult>;
  /**
   * Replaces a znode's data. Resolves when that is committed.
   *
   * @throws {@link ZklError} `NO_NODE`, `BAD_VERSION`, `BAD_ARGUMENTS`, `VALUE_TOO_LARGE`, and those of every call.
   */
  set(path: string, data: DataInput, options?: ConditionalWriteOptions): Promise<SetResult>;
  /**
   * Deletes a znode that has no children. Resolves when that is committed.
   *
   * @throws {@link ZklError} `NO_NODE`, `BAD_VERSION`, `NOT_EMPTY`, `BAD_ARGUMENTS`, and those of every call.
   */
  delete(path: string, options?: ConditionalWriteOptions): Promise<WriteResult>;
  /** Reads a znode's stat; undefined when there is no such znode. */
  exists(path: string, options?: ReadCallOptions): Promise<Stat | undefined>;
  /**
   * All children, page after page, in the order of their names' UTF-8 bytes. A page is one consistent state, and no page is
   * older than the one before; children created or deleted meanwhile may or may not be met. `timeoutMs` is of each page.
   *
   * @throws {@link ZklError} `NO_NODE` (also when the parent is deleted on the way), and those of every call.
   */
  children(path: string, options?: ChildrenOptions): AsyncIterable<Child>;
  /** One page of {@link Calls.children}. */
  listChildren(path: string, options?: ChildrenOptions): Promise<ChildrenPage>;
  /**
   * Deletes a znode and everything below it, in one zxid: all or nothing. `version` is of the znode at the top.
   *
   * @throws {@link ZklError} `NO_NODE`, `BAD_VERSION`, `TOO_MANY_NODES` (above 100,000 by default: nothing is deleted), and those of every call.
   */
  deleteRecursive(path: string, options?: ConditionalWriteOptions): Promise<DeleteRecursiveResult>;
  /** How many znodes there are below one. @throws {@link ZklError} `NO_NODE`, and those of every call. */
  count(path: string, options?: ReadCallOptions): Promise<CountResult>;
  /** The quota of a subtree, and what it uses. @throws {@link ZklError} `NO_NODE`, and those of every call. */
  quota(path: string, options?: ReadCallOptions): Promise<QuotaResult>;
  /** Puts a quota on a subtree, or takes it away (null). Beyond a hard bound writes reject with `QUOTA_EXCEEDED`. */
  setQuota(path: string, quota: Quota | null, options?: CallOptions): Promise<WriteResult>;
  /** Begins a transaction: see {@link Transaction}. Nothing is sent before its `commit` or `run`. */
  transaction(): Transaction;
  /**
   * Several reads of one and the same state, at one zxid. A read that cannot be answered has its error in its place.
   *
   * @param reads - At most 128.
   */
  multiRead<const R extends readonly MultiReadItem[]>(reads: R, options?: ReadCallOptions): Promise<MultiReadResult<R>>;
  /**
   * Tells of changes, each once and in order, for as long as it is iterated: see {@link Watch}.
   *
   * @example
   * ```ts
   * import { createClient } from '@zkl/client-sdk';
   *
   * await using client = createClient('zkl://127.0.0.1:7001');
   * for await (const event of client.watch('/cfg', { scope: 'subtree', data: true })) console.log(event.type);
   * ```
   */
  watch(path: string, options?: WatchOptions): Watch;
  /** Keeps a copy of a subtree in memory: see {@link Mirror}. Resolves once it stands. */
  mirror(path: string, options?: MirrorOptions): Promise<Mirror>;
  /**
   * A znode whose data are values of one type: see {@link TypedNode}.
   *
   * @param codec - `textCodec`, `bytesCodec`, `jsonCodec()` or another; or a Standard Schema validator, for JSON that it checks.
   */
  node<T>(path: string, codec: Codec<T> | StandardSchema<T>): TypedNode<T>;
}

/**
 * A client of one cluster. Its calls ride on one stream, to the leader where it can be reached; connections are opened when first needed.
 *
 * *Order*: calls are done in the order in which they were made, also those that were not awaited, and also across lost connections and
 * changes of leader. (In browsers, which cannot stream, only a call that was awaited comes before the next.)
 *
 * *Retries*: until its deadline a call survives lost connections, killed servers and changes of leader. A write carries a
 * number, by which the cluster applies it exactly once, however often and wherever it is sent.
 *
 * *Errors*: all are {@link ZklError}. At the deadline a call rejects with what stood in its way last: `TIMEOUT` when a server
 * did not answer, `CONNECTION_LOSS` when none was reached, or the refusal (such as `NO_QUORUM`).
 */
export interface Client extends Calls, AsyncDisposable {
  readonly register: RegisterApi;
  readonly cluster: ClusterApi;

  /**
   * Opens a session, which can own ephemeral znodes: see {@link Session}. It has a stream of its own.
   *
   * @throws {@link ZklError} `TOO_MANY_SESSIONS`, and those of every call.
   */
  session(options?: SessionOptions): Promise<Session>;

  /**
   * Makes sure that a server answers, and tells which; not needed before other calls. With `serverId` every later call goes
   * to that server only (it forwards writes to the leader by itself), until `connect({ serverId: null })`.
   */
  connect(options?: ConnectOptions): Promise<ServerInfo>;
  /**
   * Ends the client: calls under way reject with `CLIENT_CLOSED`, later ones too, and connections are closed. Writes that
   * were sent may still be applied. Await what must be known first. Idempotent.
   */
  close(): Promise<void>;
}
