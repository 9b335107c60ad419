/**
 * The one table of error codes: names are stable and never matched by text. Numbers are ZooKeeper's
 * (`KeeperException.Code`) where it has one, else 0.
 */

/** What an error says about the write: `rejected` did not and will not take effect; `unknown` may have, or may yet. */
export type ErrorOutcome = 'rejected' | 'unknown';

export interface ErrorCodeEntry {
  /** ZooKeeper's number; 0 when it has none. */
  readonly number: number;
  /** True when the same request, unchanged, may succeed later. */
  readonly retryable: boolean;
  readonly outcome: ErrorOutcome;
  /** What to do, in one sentence. */
  readonly hint: string;
}

function rejected(number: number, hint: string): ErrorCodeEntry {
  return { number, retryable: false, outcome: 'rejected', hint };
}

function retryable(number: number, hint: string): ErrorCodeEntry {
  return { number, retryable: true, outcome: 'rejected', hint };
}

function unknown(number: number, canRetry: boolean, hint: string): ErrorCodeEntry {
  return { number, retryable: canRetry, outcome: 'unknown', hint };
}

/** Every code that zkl can answer with, in its state machine, its servers or its client. */
export const ERROR_CODES = {
  // The tree.
  NO_NODE: rejected(-101, 'The node, or the parent of the node to create, does not exist: create it first.'),
  NODE_EXISTS: rejected(-110, 'A node with this path exists already: set its data, or choose another name.'),
  BAD_VERSION: rejected(-103, 'The node changed since it was read: read it again, and decide anew.'),
  NOT_EMPTY: rejected(-111, 'The node has children: delete them first.'),
  NO_CHILDREN_FOR_EPHEMERALS: rejected(-108, 'Ephemeral nodes cannot have children: choose another parent.'),
  BAD_ARGUMENTS: rejected(-8, 'An argument is not allowed: check the path and the numbers in the request.'),
  INVALID_ACL: rejected(-114, 'The access control list is empty or malformed: correct it.'),
  NO_AUTH: rejected(-102, 'The access control list does not permit this: authenticate as someone it names.'),
  AUTH_FAILED: rejected(-115, 'The credentials were not accepted: correct them.'),
  QUOTA_EXCEEDED: rejected(-125, 'A quota on a node above is used up: delete something, or raise the quota.'),
  VALUE_TOO_LARGE: rejected(0, 'The value is larger than the limit: store it elsewhere, and its address here.'),
  TOO_MANY_NODES: rejected(
    0,
    'More nodes are meant than a limit allows at a time: work on parts of them, or remove some first.',
  ),
  UNIMPLEMENTED: rejected(-6, 'This server does not know the operation: upgrade it.'),
  MARSHALLING_ERROR: rejected(-5, 'The request could not be decoded: the client and the server do not fit together.'),
  NO_WATCHER: rejected(-121, 'There is no such watch to remove.'),
  EPHEMERAL_ON_LOCAL_SESSION: rejected(-120, 'A local session cannot own ephemeral nodes: use a global one.'),
  RUNTIME_INCONSISTENCY: rejected(-2, 'An operation before this one in the same transaction failed.'),

  // Exactly-once.
  STALE_REQUEST: rejected(
    0,
    'The client has said that this request was answered: give every new write a new request id.',
  ),
  CLIENT_FORGOTTEN: unknown(
    0,
    false,
    'The client was idle for so long that its replies were dropped: begin anew with a new client id.',
  ),
  TOO_MANY_CLIENTS: retryable(0, 'As many clients as fit are remembered: wait, or write with fewer client ids.'),
  TOO_MANY_REQUESTS: retryable(
    0,
    'Too many replies are kept for this client: say with answered_through what was answered.',
  ),
  OUT_OF_ORDER: retryable(
    0,
    'A write of this client that comes before this one has not been applied: send them again, in order.',
  ),

  // Sessions.
  TOO_MANY_SESSIONS: retryable(0, 'As many sessions as fit are open: close some, or wait until they expire.'),
  TOO_MANY_WATCHES: retryable(0, 'As many watches as fit are open: cancel some, or watch a subtree with one.'),
  SESSION_EXPIRED: rejected(-112, 'The session has ended and its ephemeral nodes are gone: begin a new one.'),
  SESSION_MOVED: rejected(-118, 'The session is attached to another server: use that connection.'),

  // Servers.
  NO_QUORUM: retryable(0, 'Fewer than a majority of the servers can be reached: try again in a moment.'),
  NO_LEADER: retryable(0, 'The servers are electing a leader: try again in a moment.'),
  NOT_LEADER: retryable(0, 'Another server leads: send the request there.'),
  SHUTTING_DOWN: retryable(0, 'This server is stopping: try another one.'),
  NOT_SYNCED: retryable(0, 'This server has not caught up with what the client has seen: try another one.'),
  DISK_FULL: retryable(0, 'The disk of the server is full: free some space; reads go on.'),
  THROTTLED: retryable(-127, 'The server has more requests than it can take: slow down and try again.'),
  MESSAGE_TOO_LARGE: rejected(0, 'The message is larger than the limit: ask for less, or send less, at a time.'),
  OUTCOME_UNKNOWN: unknown(
    0,
    true,
    'The leader was lost before the answer: a retry with the same write id settles it.',
  ),
  SYSTEM_ERROR: unknown(-1, false, 'Something failed inside the server: its log tells what.'),
  DATA_INCONSISTENCY: unknown(-3, false, 'The server found damage in its data and stops serving it: see its log.'),
  CONNECTION_LOSS: unknown(
    -4,
    true,
    'The connection was lost before the answer: a retry with the same write id settles it.',
  ),
  OPERATION_TIMEOUT: unknown(-7, true, 'No answer came in time: a retry with the same write id settles it.'),
  REQUEST_TIMEOUT: unknown(-122, true, 'The server gave up waiting: a retry with the same write id settles it.'),
  CANCELLED: unknown(0, true, 'The caller cancelled; a write that was sent may be applied all the same.'),

  // The rest of ZooKeeper's vocabulary.
  INVALID_CALLBACK: rejected(-113, 'The callback does not fit the request.'),
  NOT_READ_ONLY: rejected(-119, 'This server is read-only at present: write to another one.'),
  NEW_CONFIG_NO_QUORUM: rejected(-13, 'A majority of the new members cannot be reached: bring them up first.'),
  RECONFIG_IN_PROGRESS: retryable(-14, 'Another change of the members is under way: wait for it.'),
  RECONFIG_DISABLED: rejected(-123, 'Changes of the members are switched off.'),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** All names, in the table's order. */
export const ERROR_CODE_NAMES = Object.keys(ERROR_CODES) as readonly ErrorCode[];
