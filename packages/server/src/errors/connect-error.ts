import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema, Outcome, type ErrorDetail } from '@zkl/protocol';
import { ERROR_CODES, type ErrorCode } from '@zkl/state-machine';
import type { Failure } from '../request/failure.js';
import { zxidToBigint } from '../services/zxid-codec.js';

/** The Connect and gRPC code of each error code. Clients go by the typed detail; this is for tools that know no better. */
export const CONNECT_CODES: Readonly<Record<ErrorCode, Code>> = {
  NO_NODE: Code.NotFound,
  NODE_EXISTS: Code.AlreadyExists,
  BAD_VERSION: Code.FailedPrecondition,
  NOT_EMPTY: Code.FailedPrecondition,
  NO_CHILDREN_FOR_EPHEMERALS: Code.FailedPrecondition,
  BAD_ARGUMENTS: Code.InvalidArgument,
  INVALID_ACL: Code.InvalidArgument,
  NO_AUTH: Code.PermissionDenied,
  AUTH_FAILED: Code.Unauthenticated,
  QUOTA_EXCEEDED: Code.ResourceExhausted,
  VALUE_TOO_LARGE: Code.ResourceExhausted,
  TOO_MANY_NODES: Code.FailedPrecondition,
  UNIMPLEMENTED: Code.Unimplemented,
  MARSHALLING_ERROR: Code.InvalidArgument,
  NO_WATCHER: Code.NotFound,
  EPHEMERAL_ON_LOCAL_SESSION: Code.FailedPrecondition,
  RUNTIME_INCONSISTENCY: Code.Aborted,
  STALE_REQUEST: Code.FailedPrecondition,
  CLIENT_FORGOTTEN: Code.FailedPrecondition,
  TOO_MANY_CLIENTS: Code.ResourceExhausted,
  TOO_MANY_REQUESTS: Code.ResourceExhausted,
  OUT_OF_ORDER: Code.Aborted,
  TOO_MANY_SESSIONS: Code.ResourceExhausted,
  TOO_MANY_WATCHES: Code.ResourceExhausted,
  SESSION_EXPIRED: Code.Aborted,
  SESSION_MOVED: Code.Aborted,
  NO_QUORUM: Code.Unavailable,
  NO_LEADER: Code.Unavailable,
  NOT_LEADER: Code.Unavailable,
  SHUTTING_DOWN: Code.Unavailable,
  NOT_SYNCED: Code.Unavailable,
  DISK_FULL: Code.ResourceExhausted,
  THROTTLED: Code.ResourceExhausted,
  MESSAGE_TOO_LARGE: Code.ResourceExhausted,
  // Not `unavailable`: clients that know only the code would send the write again, and apply it twice.
  OUTCOME_UNKNOWN: Code.Aborted,
  SYSTEM_ERROR: Code.Internal,
  DATA_INCONSISTENCY: Code.DataLoss,
  CONNECTION_LOSS: Code.Aborted,
  OPERATION_TIMEOUT: Code.DeadlineExceeded,
  REQUEST_TIMEOUT: Code.DeadlineExceeded,
  CANCELLED: Code.Canceled,
  INVALID_CALLBACK: Code.InvalidArgument,
  NOT_READ_ONLY: Code.FailedPrecondition,
  NEW_CONFIG_NO_QUORUM: Code.FailedPrecondition,
  RECONFIG_IN_PROGRESS: Code.FailedPrecondition,
  RECONFIG_DISABLED: Code.FailedPrecondition,
};

/** A failure as Connect, gRPC and gRPC-Web carry it: code, message, and an ErrorDetail. The message holds no path: gRPC percent-encodes it. */
export function toConnectError(failure: Failure, leaderId: number): ConnectError {
  const words = failure.message ?? ERROR_CODES[failure.code].hint;
  const settled = failure.outcome === 'rejected' ? '' : ' The write may have been applied, or may yet be.';
  return new ConnectError(`${failure.code}: ${words}${settled}`, CONNECT_CODES[failure.code], undefined, [
    { desc: ErrorDetailSchema, value: errorDetail(failure, leaderId) },
  ]);
}

/** The typed detail of a failure. */
export function errorDetail(failure: Failure, leaderId: number): ErrorDetail {
  const entry = ERROR_CODES[failure.code];
  return create(ErrorDetailSchema, {
    code: failure.code,
    number: entry.number,
    outcome: failure.outcome === 'rejected' ? Outcome.REJECTED : Outcome.UNKNOWN,
    retryable: failure.retryable,
    path: failure.path ?? '',
    leaderId,
    zxid: failure.zxid === undefined ? 0n : zxidToBigint(failure.zxid),
    hint: entry.hint,
  });
}
