/**
 * A history of calls, as clients saw it: what `checkHistory` judges, from a simulated run as well as from one of real processes. As a file it is JSON lines,
 * one operation a line, in any order; docs/testing.md describes it field by field.
 */
export type Operation = ZnodeOperation | RegisterOperation;

interface Call {
  /** Who called. One client may have several calls under way. */
  readonly client: string;
  /** What it is about: the path of a znode, or `register`. Operations on different keys are judged apart. */
  readonly key: string;
  /** When the call began, on the one clock of all clients of the history; its unit does not matter. */
  readonly start: number;
  /** When its answer came. Absent when none came, or none that tells: the call may have taken effect at any time after its start, or never. */
  readonly end?: number | undefined;
  /** Where the cluster's order has it: of a write its own place, of a read the state that it saw. As `epoch * 2^32 + counter`. */
  readonly zxid?: number | undefined;
}

/** Of a write that was refused for its outcome on the key; others belong into no history. */
export type Refusal = 'NO_NODE' | 'NODE_EXISTS' | 'BAD_VERSION';

type ZnodeOperation = Call &
  (
    | { readonly kind: 'create'; readonly value: string; readonly refused?: Refusal | undefined }
    | {
        readonly kind: 'set';
        readonly value: string;
        /** -1: any. */
        readonly expected: number;
        readonly refused?: Refusal | undefined;
        /** The version after it. */
        readonly version?: number | undefined;
      }
    | { readonly kind: 'delete'; readonly expected: number; readonly refused?: Refusal | undefined }
    | {
        readonly kind: 'get';
        readonly consistency: Consistency;
        /** Absent: there was no such znode. */
        readonly value?: string | undefined;
        readonly version?: number | undefined;
      }
  );

type RegisterOperation = Call &
  (
    | { readonly kind: 'registerWrite'; readonly value: string; readonly version?: number | undefined }
    | {
        readonly kind: 'registerGuess';
        readonly value: string;
        readonly matched?: boolean | undefined;
        readonly version?: number | undefined;
      }
    | {
        readonly kind: 'registerRead';
        readonly consistency: Consistency;
        /** Absent: nothing was ever written. */
        readonly value?: string | undefined;
        readonly version?: number | undefined;
      }
  );

/** `local`: whatever the server had applied. `atLeast`: that, and a zxid that the client named. Only `linearizable` reads are judged as such. */
export type Consistency = 'linearizable' | 'local' | 'atLeast';

export function isRead(operation: Operation): boolean {
  return operation.kind === 'get' || operation.kind === 'registerRead';
}

/** True for what must fit into one order with all that really came before it. */
export function isLinearizable(operation: Operation): boolean {
  return !('consistency' in operation) || operation.consistency === 'linearizable';
}
