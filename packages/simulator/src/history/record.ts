/**
 * A history: what clients saw of a cluster, one record an event. It is what `checkHistory` judges, from a simulated run as well as from one of real processes.
 * As a file it is JSON lines, one record a line, in any order; docs/testing.md describes it field by field.
 */
export type HistoryRecord = Call | WatchRecord | SessionRecord | HoldRecord | DigestRecord;

/** What one client asked of the cluster, and what it was told. */
export type Call = WriteCall | ReadCall;

export type WriteCall = CallBase &
  (
    | (CreateRequest & CreateAnswer & { readonly kind: 'create' })
    | (SetRequest & { readonly kind: 'set'; readonly version?: number | undefined })
    | (RemoveRequest & { readonly kind: 'delete' })
    | (RemoveRequest & { readonly kind: 'deleteRecursive'; readonly deleted?: number | undefined })
    | TransactionCall
    | { readonly kind: 'setQuota'; readonly path: string }
    /** Its zxid is the session's id. */
    | { readonly kind: 'sessionOpen' }
    | { readonly kind: 'sessionClose'; readonly session: number }
    | { readonly kind: 'registerWrite'; readonly value: string; readonly version?: number | undefined }
    | {
        readonly kind: 'registerGuess';
        readonly value: string;
        readonly matched?: boolean | undefined;
        /** Of the value that it was held against; 0 when there was none. */
        readonly version?: number | undefined;
      }
  );

export type ReadCall = CallBase & {
  /** Default `linearizable`. `local`: whatever the server had applied. `atLeast`: that, and a zxid that the client named. */
  readonly consistency?: Consistency | undefined;
  /** The zxid that was named. */
  readonly atLeast?: number | undefined;
} & (
    | ReadItem
    /** Several reads of one state. */
    | { readonly kind: 'multiRead'; readonly reads: readonly ReadItem[] }
    /** Sees nothing but its zxid. */
    | { readonly kind: 'sync' }
    /** Without a value: nothing was ever written. */
    | {
        readonly kind: 'registerRead';
        readonly value?: string | undefined;
        readonly version?: number | undefined;
        readonly mzxid?: number | undefined;
      }
  );

export type Consistency = 'linearizable' | 'local' | 'atLeast';

interface CallBase {
  /** Who called. One client may have several calls under way. */
  readonly client: string;
  /** The call's number in its client, in the order in which the calls were made: the cluster must do them in this order. Absent: no order is promised among calls that overlap. */
  readonly op?: number | undefined;
  /** The session that the call was made under. */
  readonly session?: number | undefined;
  /** When the call began, on the one clock of all clients of the history; its unit does not matter. */
  readonly start: number;
  /** When its answer came. Absent when none came, or none that tells: the call may have taken effect at any time after its start, or never. */
  readonly end?: number | undefined;
  /** Where the cluster's order has it: of a write its own place, of a read the state that it saw. As `epoch * 2^32 + counter`. */
  readonly zxid?: number | undefined;
  /** The code of a write that the cluster ordered and refused. */
  readonly refused?: string | undefined;
  /** The code of a call that certainly had no effect, for a reason outside of the tree (no quorum, overload): nobody may ever see it. Reads that failed mean nothing. */
  readonly failed?: string | undefined;
  /** Of a call without an end: what its caller was told. For people. */
  readonly error?: string | undefined;
  /** The fencing token that a write carried to what it guards. */
  readonly token?: number | undefined;
}

/** Data as text; null and empty are different. */
export type Value = string | null;

export type CreateMode =
  'persistent' | 'ephemeral' | 'persistentSequential' | 'ephemeralSequential' | 'container' | 'ttl' | 'ttlSequential';

export interface CreateRequest {
  readonly path: string;
  readonly value: Value;
  /** Default `persistent`. An ephemeral needs `session` in its call. */
  readonly mode?: CreateMode | undefined;
  readonly ifAbsent?: boolean | undefined;
}

export interface CreateAnswer {
  /** The whole path that came out: of a sequential create. */
  readonly name?: string | undefined;
  /** `ifAbsent` found a node there. */
  readonly existed?: boolean | undefined;
}

export interface SetRequest {
  readonly path: string;
  readonly value: Value;
  /** Absent or -1: any. */
  readonly expected?: number | undefined;
}

export interface RemoveRequest {
  readonly path: string;
  /** Absent or -1: any. */
  readonly expected?: number | undefined;
}

export type Compare = {
  readonly path: string;
  /** Default `=`. */
  readonly operator?: '=' | '!=' | '<' | '>' | undefined;
} & (
  | { readonly target: 'version' | 'cversion' | 'czxid' | 'mzxid'; readonly operand: number }
  | { readonly target: 'value'; readonly operand: Value }
  | { readonly target: 'exists'; readonly operand: boolean }
);

export type Step =
  | (CreateRequest & { readonly kind: 'create' })
  | (SetRequest & { readonly kind: 'set' })
  | (RemoveRequest & { readonly kind: 'delete' | 'deleteRecursive' | 'check' })
  | { readonly kind: 'checkAbsent' | 'get' | 'exists'; readonly path: string };

export type StepResult =
  | { readonly kind: 'created'; readonly name?: string | undefined; readonly existed?: boolean | undefined }
  | { readonly kind: 'set'; readonly version?: number | undefined }
  | { readonly kind: 'deleted'; readonly deleted?: number | undefined }
  | { readonly kind: 'got'; readonly value?: Value | undefined; readonly version?: number | undefined }
  /** Without a version: it does not. */
  | { readonly kind: 'existed'; readonly version?: number | undefined }
  | { readonly kind: 'ok' }
  | { readonly kind: 'failed'; readonly code: string };

export interface TransactionCall {
  readonly kind: 'transaction';
  readonly compares?: readonly Compare[] | undefined;
  readonly then: readonly Step[];
  readonly else?: readonly Step[] | undefined;
  readonly branch?: 'then' | 'else' | undefined;
  readonly committed?: boolean | undefined;
  readonly results?: readonly StepResult[] | undefined;
}

/** What one read asked and saw: without its answer (`value`, `version`, `entries`, `count`) there was no such node. */
export type ReadItem =
  | ({ readonly kind: 'get'; readonly path: string; readonly value?: Value | undefined } & Seen)
  | ({ readonly kind: 'exists'; readonly path: string } & Seen)
  | ChildrenItem
  /** Descendants, the node itself not counted. */
  | { readonly kind: 'count'; readonly path: string; readonly count?: number | undefined };

export interface ChildrenItem {
  readonly kind: 'children';
  readonly path: string;
  /** Names, or what was seen with them: in the order of the names' bytes. */
  readonly entries?: readonly (string | ChildEntry)[] | undefined;
  /** Of a page: only names after this one. */
  readonly startAfter?: string | undefined;
  /** True: names after the last one of this page may remain. */
  readonly more?: boolean | undefined;
}

export interface ChildEntry extends Seen {
  readonly name: string;
  readonly value?: Value | undefined;
}

/** What of a node's stat was seen. */
export interface Seen {
  readonly version?: number | undefined;
  readonly czxid?: number | undefined;
  readonly mzxid?: number | undefined;
}

/** What a watch told. One record for each step, in the order in which the consumer had them. */
export type WatchRecord = {
  readonly kind: 'watch';
  readonly client: string;
  /** Unique with the client. A watch that goes on elsewhere after a loss is the same one. */
  readonly watch: string | number;
  /** When the consumer had it. */
  readonly at: number;
} & (
  | {
      readonly event: 'opened';
      readonly path: string;
      readonly scope: 'node' | 'children' | 'subtree';
      readonly types?: readonly ChangeType[] | undefined;
      /** It tells of every change after this zxid. */
      readonly since: number;
    }
  | { readonly event: 'batch'; readonly zxid: number; readonly events: readonly WatchedChange[] }
  /** The state of the whole scope at this zxid, in place of what changed since the last step. */
  | { readonly event: 'reset'; readonly zxid: number; readonly nodes: readonly SnapshotNode[] }
  /** Everything up to this zxid was told. */
  | { readonly event: 'progress'; readonly zxid: number }
);

export type ChangeType = 'created' | 'set' | 'deleted';

export interface WatchedChange {
  readonly type: ChangeType;
  readonly path: string;
  /** Where it was asked for; none of a deletion. */
  readonly value?: Value | undefined;
  /** Of a deletion: what it was before. */
  readonly version?: number | undefined;
  /** The data of before, where it was asked for; none of a creation. */
  readonly previous?: Value | undefined;
}

export interface SnapshotNode extends Seen {
  readonly path: string;
  readonly value?: Value | undefined;
}

/**
 * What a client knew of its session, and when. `expired`: from here on the client says that it is over, for its own clock says so. `closed`: the client
 * began to close it. `gone`: the client's process ended, and claims nothing from here on. `ended`: not by the client: whoever knows it tells at
 * which zxid the cluster ended it.
 */
export type SessionRecord = {
  readonly kind: 'session';
  readonly client: string;
  /** Its id: the zxid that opened it. */
  readonly session: number;
  readonly at: number;
} & (
  | { readonly event: 'opened'; readonly timeoutMs?: number | undefined }
  | { readonly event: 'state'; readonly state: string }
  | { readonly event: 'expired' | 'closed' | 'gone' }
  | { readonly event: 'ended'; readonly zxid: number }
);

/** A lock, a leadership or a permit that somebody held. */
export interface HoldRecord {
  readonly kind: 'hold';
  readonly client: string;
  /** What was held: the name that all who want it use. */
  readonly lock: string;
  /** How many may hold it at a time. Default 1. */
  readonly permits?: number | undefined;
  readonly token: number;
  /** When the holder was told. */
  readonly acquired: number;
  /** The last moment at which the holder, had it been asked, said that it held: before its signal was aborted, or before the release began. Absent: it held to the end of the history. */
  readonly until?: number | undefined;
}

/** What a server said of its state. */
export interface DigestRecord {
  readonly kind: 'digest';
  readonly server: number;
  readonly zxid: number;
  readonly digest: string;
}

const WRITES: ReadonlySet<string> = new Set<WriteCall['kind']>([
  'create',
  'set',
  'delete',
  'deleteRecursive',
  'transaction',
  'setQuota',
  'sessionOpen',
  'sessionClose',
  'registerWrite',
  'registerGuess',
]);

const READS: ReadonlySet<string> = new Set<ReadCall['kind']>([
  'get',
  'exists',
  'children',
  'count',
  'multiRead',
  'sync',
  'registerRead',
]);

export function isWrite(record: HistoryRecord): record is WriteCall {
  return WRITES.has(record.kind);
}

export function isRead(record: HistoryRecord): record is ReadCall {
  return READS.has(record.kind);
}

export function isCall(record: HistoryRecord): record is Call {
  return isWrite(record) || isRead(record);
}

/** True for what must fit into one order with all that really came before it. */
export function isLinearizable(call: Call): boolean {
  return isWrite(call) || call.consistency === undefined || call.consistency === 'linearizable';
}

/** True when its caller knows what came of it: it took effect, or the cluster refused it. */
export function isAnswered(call: Call): boolean {
  return call.end !== undefined && call.failed === undefined;
}

/** True for a write that may have taken effect, and whose caller was not told. */
export function isUnknown(call: Call): boolean {
  return call.end === undefined && call.failed === undefined;
}

/** `epoch:counter`, as people read it. */
export function formatPlace(zxid: number): string {
  return `${Math.floor(zxid / 2 ** 32)}:${zxid % 2 ** 32}`;
}
