/** A write's name, by which it is applied once however often it is sent. */
export interface WriteId {
  /** 1 to 64 characters, unique to the client. */
  readonly clientId: string;
  /** 1, 2, 3, ... below 2^53: the same number for every retry of a write. */
  readonly requestId: number;
  /** Every request up to this number was answered and will not be retried; 0 for none. */
  readonly answeredThrough: number;
}

/** Makes a node. With `sequential`, `path` is a prefix that the parent's counter of creates is appended to. */
export interface CreateCommand {
  readonly kind: 'create';
  readonly path: string;
  /** Null and empty are different, and both are kept. */
  readonly data: Uint8Array | null;
  readonly sequential: boolean;
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

/** A write as the log carries it: the request itself, applied deterministically by every server. */
export type Command = CreateCommand | SetCommand | DeleteCommand | RegisterWriteCommand | RegisterGuessCommand;
