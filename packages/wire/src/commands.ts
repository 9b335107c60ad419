import type { SessionId, Zxid } from './stat.js';

/** A write's name, by which it is applied once however often it is sent. */
export interface WriteId {
  /** 1 to 64 characters, unique to the client. */
  readonly clientId: string;
  /** 1, 2, 3, ... below 2^53: the same number for every retry of a write. */
  readonly requestId: number;
  /** Every request up to this number was answered and will not be retried; 0 for none. */
  readonly answeredThrough: number;
}

/** ZooKeeper's create modes; their place in CREATE_MODES is ZooKeeper's number. */
export type CreateMode =
  'persistent' | 'ephemeral' | 'persistentSequential' | 'ephemeralSequential' | 'container' | 'ttl' | 'ttlSequential';

/** All create modes, at the index that is ZooKeeper's number. */
export const CREATE_MODES: readonly CreateMode[] = [
  'persistent',
  'ephemeral',
  'persistentSequential',
  'ephemeralSequential',
  'container',
  'ttl',
  'ttlSequential',
];

/** Makes a node. In a sequential mode `path` is a prefix that the parent's counter of creates is appended to. */
export interface CreateCommand {
  readonly kind: 'create';
  readonly path: string;
  /** Null and empty are different, and both are kept. */
  readonly data: Uint8Array | null;
  /** An ephemeral mode needs a session beside the command. */
  readonly mode: CreateMode;
  /** Of the modes with a TTL, and of no others: 1 .. 2^40 - 1 milliseconds. */
  readonly ttlMs?: number | undefined;
  /** Take a node that exists for the answer (`created: false`), in place of NODE_EXISTS. Not for sequential modes. Default false. */
  readonly ifAbsent?: boolean | undefined;
}

/** Replaces a node's data. */
export interface SetCommand {
  readonly kind: 'set';
  readonly path: string;
  readonly data: Uint8Array | null;
  /** An int32; -1 for any. */
  readonly expectedVersion: number;
}

/** Removes a node that has no children. */
export interface DeleteCommand {
  readonly kind: 'delete';
  readonly path: string;
  /** An int32; -1 for any. */
  readonly expectedVersion: number;
}

/** Removes a node and everything below it, in one zxid; all or nothing (TOO_MANY_NODES). */
export interface DeleteRecursiveCommand {
  readonly kind: 'deleteRecursive';
  readonly path: string;
  /** Of the node at the top. An int32; -1 for any. */
  readonly expectedVersion: number;
}

/** How a comparison holds a node's field against its operand. */
export type CompareOperator = '=' | '!=' | '<' | '>';

/** Holds a node's field against an operand. On a node that does not exist only `exists` can hold. */
export type Compare = {
  readonly path: string;
  readonly operator: CompareOperator;
} & (
  | { readonly target: 'version' | 'cversion'; readonly operand: number }
  | { readonly target: 'czxid' | 'mzxid'; readonly operand: Zxid }
  /** Bytes in their order; null is before empty, and equal to nothing else. */
  | { readonly target: 'value'; readonly operand: Uint8Array | null }
  | { readonly target: 'exists'; readonly operand: boolean }
);

/** Refuses the transaction unless the node has this version (BAD_VERSION); -1: unless it exists (NO_NODE). */
export interface CheckOperation {
  readonly kind: 'check';
  readonly path: string;
  readonly expectedVersion: number;
}

/** `checkAbsent` refuses the transaction when the node exists (NODE_EXISTS); `get` and `exists` answer with what the steps before have left. */
export interface PathOperation {
  readonly kind: 'checkAbsent' | 'get' | 'exists';
  readonly path: string;
}

/** A step of a transaction. */
export type TransactionOperation =
  CreateCommand | SetCommand | DeleteCommand | DeleteRecursiveCommand | CheckOperation | PathOperation;

/** When all comparisons hold `then` is done, else `else`: in one zxid, all or nothing. Later steps see earlier ones. */
export interface TransactionCommand {
  readonly kind: 'transaction';
  readonly compares: readonly Compare[];
  readonly then: readonly TransactionOperation[];
  readonly else: readonly TransactionOperation[];
}

/** Bounds of a subtree, its top included. Absent means no bound. Whole numbers from 0. */
export interface Quota {
  readonly countSoft?: number | undefined;
  readonly countHard?: number | undefined;
  readonly bytesSoft?: number | undefined;
  readonly bytesHard?: number | undefined;
}

/** Puts a quota on a node, or takes it away (null). */
export interface SetQuotaCommand {
  readonly kind: 'setQuota';
  readonly path: string;
  readonly quota: Quota | null;
}

/** A node by its path and by the write that made it, so that a later node of the same path is not meant. */
export interface NodeRef {
  readonly path: string;
  readonly czxid: Zxid;
}

/** Removes containers that became empty and TTL nodes whose time is over: each is looked at again when this is applied. The leader's only. */
export interface ReapCommand {
  readonly kind: 'reap';
  readonly nodes: readonly NodeRef[];
}

/** Replaces the value of the register. */
export interface RegisterWriteCommand {
  readonly kind: 'registerWrite';
  readonly value: Uint8Array;
}

/** Asks whether the register holds this value, at a place in the order of all writes. Changes only the counters of guesses and hits. */
export interface RegisterGuessCommand {
  readonly kind: 'registerGuess';
  readonly value: Uint8Array;
}

/** Begins a session; its id is the zxid of this write. */
export interface SessionOpenCommand {
  readonly kind: 'sessionOpen';
  /** How long it outlives silence, in milliseconds: 1 .. SESSION_TIMEOUT_MS_MAX, granted by the server before it was proposed. */
  readonly timeoutMs: number;
  /** The SHA-256 of the session's secret: 32 bytes. */
  readonly secretHash: Uint8Array;
}

/** Ends the session that stands beside the command; its ephemerals go in the same zxid. */
export interface SessionCloseCommand {
  readonly kind: 'sessionClose';
}

/** Ends sessions nothing was heard of. All their ephemerals go in one zxid. The leader's only. */
export interface SessionsExpireCommand {
  readonly kind: 'sessionsExpire';
  readonly sessions: readonly SessionId[];
}

/** A write as the log carries it: the request itself, applied deterministically by every server. */
export type Command =
  | CreateCommand
  | SetCommand
  | DeleteCommand
  | DeleteRecursiveCommand
  | TransactionCommand
  | SetQuotaCommand
  | ReapCommand
  | RegisterWriteCommand
  | RegisterGuessCommand
  | SessionOpenCommand
  | SessionCloseCommand
  | SessionsExpireCommand;

/** Whether a mode appends the parent's counter to the path. */
export function isSequential(mode: CreateMode): boolean {
  return mode === 'persistentSequential' || mode === 'ephemeralSequential' || mode === 'ttlSequential';
}
