/** What both entries of the package export, for Node.js and for browsers. */
export type { ErrorOutcome, KnownErrorCode, ZklErrorCode } from './errors/error-code.js';
export {
  AbortedError,
  BadArgumentsError,
  BadVersionError,
  ConnectionLossError,
  NodeExistsError,
  NoNodeError,
  NoQuorumError,
  NotEmptyError,
  TimeoutError,
  ZklError,
  isZklError,
} from './errors/zkl-error.js';
export type { ZklErrorInit } from './errors/zkl-error.js';
export type { CallOptions, ReadOptions, VersionOptions } from './options/call-options.js';
export type { ClientOptions } from './options/client-options.js';
export { bytesCodec, jsonCodec, textCodec, type Codec, type StandardSchema } from './node/codec.js';
export {
  TypedNode,
  type TypedEvent,
  type TypedValue,
  type UpdateOptions,
  type UpdateResult,
} from './node/typed-node.js';
export type { Session, SessionOptions, SessionState } from './session/session.js';
export type {
  Condition,
  Relation,
  StepResult,
  Transaction,
  TransactionCreateOptions,
  TransactionResult,
  TransactionSteps,
} from './transaction/transaction.js';
export type { Mirror, MirrorChange, MirrorNode, MirrorOptions } from './watch/mirror.js';
export type {
  ChangeEvent,
  ResetEvent,
  SnapshotNode,
  Watch,
  WatchEvent,
  WatchOptions,
  WatchStep,
} from './watch/watch.js';
export type { CreateModeOptions } from './client/create-mode.js';
export type { MultiReadAnswer, MultiReadItem, MultiReadResult } from './client/multi-read.js';
export type {
  Calls,
  ChildrenOptions,
  Client,
  ClusterApi,
  ConditionalWriteOptions,
  ConnectOptions,
  CreateOptions,
  DataInput,
  ReadCallOptions,
  RegisterApi,
  StatusOptions,
} from './client/client.js';
export type {
  ClusterMembers,
  DigestPoint,
  Member,
  PeerStatus,
  ServerInfo,
  ServerRole,
  ServerStatus,
  ServerStatusReport,
} from './client/cluster-results.js';
export type {
  Child,
  ChildrenPage,
  CountResult,
  CreateResult,
  DeleteRecursiveResult,
  GetResult,
  Quota,
  QuotaResult,
  ReadResult,
  RegisterGuessResult,
  RegisterReadResult,
  RegisterWriteResult,
  SetResult,
  Stat,
  WriteResult,
} from './client/results.js';
