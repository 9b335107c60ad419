/**
 * A zxid as one number: epoch × 2^32 + counter. Exact below epoch 2^21, far beyond what any trial reaches, and several times
 * cheaper to sort and compare than a bigint.
 */
export type ZxidNumber = number;

/** The largest zxid that a {@link ZxidNumber} holds exactly. */
const ZXID_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** @throws RangeError above epoch 2^21. */
export function toZxidNumber(zxid: bigint): ZxidNumber {
  if (zxid < 0n || zxid > ZXID_MAX) throw new RangeError(`zxid ${zxid} is not exact as a number`);
  return Number(zxid);
}

/** The epoch of a zxid: it changes with the leader. */
export function epochOf(zxid: ZxidNumber): number {
  return Math.floor(zxid / 2 ** 32);
}

/** `epoch:counter`, as people read it. */
export function formatZxid(zxid: ZxidNumber): string {
  return `${epochOf(zxid)}:${zxid % 2 ** 32}`;
}

interface Common {
  /** Who called: one SDK client. */
  readonly client: number;
  /** The call's number within its client, from 0. */
  readonly op: number;
  readonly path: string;
  /** Before the call was made and after it ended, in microseconds on one monotonic clock for all clients. */
  readonly invokedUs: number;
  readonly endedUs: number;
}

/** How a call ended. `rejected`: certainly not applied. `unknown`: it may have been, or may yet be. */
export type Ending<R> =
  | { readonly outcome: 'ok'; readonly result: R }
  | {
      readonly outcome: 'rejected';
      readonly code: string;
      /** Where the refusal was ordered in the log, if it was. */
      readonly zxid?: ZxidNumber | undefined;
    }
  | { readonly outcome: 'unknown'; readonly code: string };

/** A sequential create under `path`. Values are unique in a history. */
export type AppendOperation = Common & {
  readonly kind: 'append';
  readonly value: string;
} & Ending<{ readonly zxid: ZxidNumber; readonly name: string }>;

/** A register's value is replaced; its creation is its first set. Values are unique in a history. */
export type SetOperation = Common & {
  readonly kind: 'set';
  readonly value: string;
  /** The version that it was conditional on. */
  readonly expected?: number | undefined;
} & Ending<{ readonly zxid: ZxidNumber; readonly version: number }>;

/** A register is read. */
export type GetOperation = Common & {
  readonly kind: 'get';
  readonly consistency: 'linearizable' | 'local';
} & Ending<{
    /** The state that was read: the last zxid applied where it was. */
    readonly zxid: ZxidNumber;
    readonly value: string;
    readonly version: number;
    /** The write that is read. */
    readonly mzxid: ZxidNumber;
  }>;

/** The register's value is guessed: ordered in the log like a write, and changes no value. */
export type GuessOperation = Common & {
  readonly kind: 'guess';
  readonly value: string;
} & Ending<{ readonly zxid: ZxidNumber; readonly matched: boolean; readonly version: number }>;

/** One call of one client. */
export type Operation = AppendOperation | SetOperation | GetOperation | GuessOperation;

/** A child that is there at the end, when nothing is under way any more. */
export interface FinalChild {
  readonly kind: 'child';
  /** The parent. */
  readonly path: string;
  readonly name: string;
  readonly value: string;
  readonly czxid: ZxidNumber;
}

/** All that the checker looks at: the operations in the order in which they ended, and what was there in the end. */
export interface History {
  readonly operations: readonly Operation[];
  readonly children: readonly FinalChild[];
}

/** One line for a person: who did what, when, and what came of it. */
export function describeOperation(operation: Operation): string {
  const { client, op, kind, path, invokedUs, endedUs } = operation;
  const value = operation.kind === 'get' ? `(${operation.consistency})` : `"${operation.value}"`;
  const condition = operation.kind === 'set' && operation.expected !== undefined ? ` if v${operation.expected}` : '';
  const times = `${(invokedUs / 1000).toFixed(3)}..${(endedUs / 1000).toFixed(3)} ms`;
  return `c${client}#${op} ${kind} ${path} ${value}${condition} [${times}] ${describeEnding(operation)}`;
}

function describeEnding(operation: Operation): string {
  if (operation.outcome === 'rejected') {
    return `rejected ${operation.code}${operation.zxid === undefined ? '' : ` at ${formatZxid(operation.zxid)}`}`;
  }
  if (operation.outcome === 'unknown') return `unknown ${operation.code}`;
  const at = `at ${formatZxid(operation.result.zxid)}`;
  switch (operation.kind) {
    case 'append':
      return `ok ${operation.result.name} ${at}`;
    case 'set':
      return `ok v${operation.result.version} ${at}`;
    case 'get':
      return `ok "${operation.result.value}" v${operation.result.version} of ${formatZxid(operation.result.mzxid)} ${at}`;
    case 'guess':
      return `ok ${operation.result.matched ? 'matched' : 'missed'} v${operation.result.version} ${at}`;
  }
}
