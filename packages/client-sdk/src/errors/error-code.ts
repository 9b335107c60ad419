/**
 * The stable names of errors that a caller may meet. Those in the first group are told by the cluster, those in the
 * second arise in the client. A server newer than this client may send a name that is not listed here: it arrives
 * unchanged, which is why {@link ZklErrorCode} stays open.
 */
export type KnownErrorCode =
  // Told by the cluster.
  | 'NO_NODE'
  | 'NODE_EXISTS'
  | 'BAD_VERSION'
  | 'NOT_EMPTY'
  | 'BAD_ARGUMENTS'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NO_AUTH'
  | 'AUTH_FAILED'
  | 'INVALID_ACL'
  | 'QUOTA_EXCEEDED'
  | 'TOO_LARGE'
  | 'THROTTLED'
  | 'DISK_FULL'
  | 'NO_QUORUM'
  | 'NO_LEADER'
  | 'SHUTTING_DOWN'
  | 'STALE_REQUEST'
  | 'REQUEST_TIMEOUT'
  | 'UNIMPLEMENTED'
  // Arise in the client.
  | 'TIMEOUT'
  | 'ABORTED'
  | 'CONNECTION_LOSS'
  | 'CLIENT_CLOSED'
  | 'CLIENT_OVERLOADED'
  | 'PROTOCOL';

/** A {@link KnownErrorCode}, or the name that a newer server sent. */
export type ZklErrorCode = KnownErrorCode | (string & {});

/**
 * Whether the failed request took effect.
 *
 * - `rejected`: it certainly did not, and never will. Every error of a read is `rejected`.
 * - `unknown`: the write may have been applied, or may yet be. Read before writing again.
 */
export type ErrorOutcome = 'rejected' | 'unknown';
