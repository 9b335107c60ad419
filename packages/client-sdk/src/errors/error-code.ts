/** The codes that the cluster tells, as a typed detail of its errors. */
export const SERVER_ERROR_CODES = [
  // The tree.
  'NO_NODE',
  'NODE_EXISTS',
  'BAD_VERSION',
  'NOT_EMPTY',
  'TOO_MANY_NODES',
  'NO_CHILDREN_FOR_EPHEMERALS',
  'BAD_ARGUMENTS',
  'INVALID_ACL',
  'NO_AUTH',
  'AUTH_FAILED',
  'QUOTA_EXCEEDED',
  'VALUE_TOO_LARGE',
  'UNIMPLEMENTED',
  'MARSHALLING_ERROR',
  'NO_WATCHER',
  'EPHEMERAL_ON_LOCAL_SESSION',
  'RUNTIME_INCONSISTENCY',
  // Exactly-once.
  'STALE_REQUEST',
  'CLIENT_FORGOTTEN',
  'TOO_MANY_CLIENTS',
  'TOO_MANY_REQUESTS',
  'OUT_OF_ORDER',
  // Sessions.
  'TOO_MANY_SESSIONS',
  'TOO_MANY_WATCHES',
  'SESSION_EXPIRED',
  'SESSION_MOVED',
  // Servers.
  'NO_QUORUM',
  'NO_LEADER',
  'NOT_LEADER',
  'SHUTTING_DOWN',
  'NOT_SYNCED',
  'DISK_FULL',
  'THROTTLED',
  'MESSAGE_TOO_LARGE',
  'OUTCOME_UNKNOWN',
  'SYSTEM_ERROR',
  'DATA_INCONSISTENCY',
  'CONNECTION_LOSS',
  'OPERATION_TIMEOUT',
  'REQUEST_TIMEOUT',
  'CANCELLED',
  // The rest of ZooKeeper's vocabulary.
  'INVALID_CALLBACK',
  'NOT_READ_ONLY',
  'NEW_CONFIG_NO_QUORUM',
  'RECONFIG_IN_PROGRESS',
  'RECONFIG_DISABLED',
] as const;

/** The codes that arise in the client; `CONNECTION_LOSS`, `BAD_ARGUMENTS` and `MESSAGE_TOO_LARGE` may arise on both sides. */
type ClientErrorCode = 'TIMEOUT' | 'ABORTED' | 'CLIENT_CLOSED' | 'CLIENT_OVERLOADED' | 'PROTOCOL' | 'INVALID_VALUE';

/** The stable names of the errors that this version knows. */
export type KnownErrorCode = (typeof SERVER_ERROR_CODES)[number] | ClientErrorCode;

/** A {@link KnownErrorCode}, or the name that a newer server sent: it arrives unchanged. */
export type ZklErrorCode = KnownErrorCode | (string & {});

/**
 * Whether the failed request took effect.
 *
 * - `rejected`: it certainly did not, and never will. Every error of a read is `rejected`.
 * - `unknown`: the write may have been applied, or may yet be. Read before writing again.
 */
export type ErrorOutcome = 'rejected' | 'unknown';
