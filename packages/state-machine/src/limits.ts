/**
 * Bounds that decide results, and so are part of the replicated state: **every server of a cluster must run with the same ones.**
 * A snapshot names the limits it was made under and is refused under others. The options exist for tests and for private
 * builds; a cluster in service is changed by stopping it whole.
 */
export interface StateLimits {
  /** Bytes of one value. Default 1 MiB, which is ZooKeeper's. */
  readonly valueBytesMax: number;
  /** Bytes of one path in UTF-8. Default and upper bound 4,096. */
  readonly pathBytesMax: number;
  /** Replies kept for one client: requests applied and not yet known to be answered. Default 4,096. */
  readonly repliesPerClientMax: number;
  /** Clients remembered at a time. Default 250,000. */
  readonly clientsMax: number;
  /** Bytes of all kept replies together; above it only clients that keep no other reply get a new one. Default 256 MiB. */
  readonly replyBytesMax: number;
  /** A client that wrote nothing for this long, by the steady time of the log (see ExactlyOnce), is forgotten. Default 10 minutes. */
  readonly clientRetentionMs: number;
  /** Nodes that one write may remove with everything below, or count for a quota; also nodes of one session. Default 100,000. */
  readonly recursiveNodesMax: number;
  /** Comparisons of a transaction, and operations of each of its branches. Default 1,024. */
  readonly transactionOperationsMax: number;
  /** Bytes that a transaction may answer with, and bytes of what it replaces or removes. Default 16 MiB. */
  readonly transactionBytesMax: number;
  /** Sessions open at a time. Default 100,000. */
  readonly sessionsMax: number;
  /** Quotas at a time. Default 10,000. */
  readonly quotasMax: number;
}

export const DEFAULT_LIMITS: StateLimits = {
  valueBytesMax: 1_048_576,
  pathBytesMax: 4_096,
  repliesPerClientMax: 4_096,
  clientsMax: 250_000,
  replyBytesMax: 268_435_456,
  clientRetentionMs: 600_000,
  recursiveNodesMax: 100_000,
  transactionOperationsMax: 1_024,
  transactionBytesMax: 16_777_216,
  sessionsMax: 100_000,
  quotasMax: 10_000,
};

/** What passes between two blocks at most, in the steady time of the log: a wall clock that jumps makes nobody old. */
export const STEADY_STEP_MS_MAX = 10_000;

/** Clients forgotten by one write at most, so that a write after a long silence does not stall. */
export const CLIENTS_DROPPED_PER_WRITE_MAX = 4;

/** Children in one answer of `children`. */
export const PAGE_CHILDREN_MAX = 10_000;
export const PAGE_CHILDREN_DEFAULT = 1_000;
/** Bytes in one answer of `children`: names, data and a flat charge for each stat. */
export const PAGE_BYTES_DEFAULT = 1_048_576;

/** The znode that carries the register, and its parent. Both are made by the first write of the register. */
export const REGISTER_PARENT_PATH = '/zkl';
export const REGISTER_PATH = '/zkl/register';

/** Nodes that `count` walks over before it gives up. The counts of the root and of nodes with a quota need no walk. */
export const COUNT_NODES_MAX = 1_000_000;
