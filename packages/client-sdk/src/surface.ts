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
export type {
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
  CreateResult,
  GetResult,
  ReadResult,
  RegisterGuessResult,
  RegisterReadResult,
  RegisterWriteResult,
  SetResult,
  Stat,
  WriteResult,
} from './client/results.js';
