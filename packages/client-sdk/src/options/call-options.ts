/** How long a call may last, and how to end it early. */
export interface CallOptions {
  /**
   * Ends the call. A read is just given up. A write that was already sent may still be applied: the call then rejects
   * with `ABORTED` and outcome `unknown`; one that was not sent yet never will be (`rejected`).
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * The whole call's deadline, retries and waiting in the client's queue included, in milliseconds: 1 to 3,600,000.
   * Default: 10,000, or the client's own `timeoutMs`.
   */
  readonly timeoutMs?: number | undefined;
}

/** What a read must see. */
export interface ReadOptions {
  /**
   * - `linearizable` (default): every write that was acknowledged, to anyone, before the read was sent. The server checks
   *   with a quorum.
   * - `local`: what one server has applied; fast, needs no quorum, and may lag. It never goes back in time within one
   *   client, even when the client moves to another server (see `monotonicReads` of the client's options).
   */
  readonly consistency?: 'linearizable' | 'local' | undefined;
  /**
   * The read waits until the server has applied this zxid: pass the zxid of a write to read it from another process.
   * Goes with both consistencies.
   */
  readonly atLeast?: bigint | undefined;
}

/** Options of a write that may be made conditional. */
export interface VersionOptions {
  /** The version that the znode must have, else the call rejects with `BAD_VERSION`. Default, and -1: any. */
  readonly version?: number | undefined;
}
