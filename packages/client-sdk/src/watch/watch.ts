import type { ChangeType, WatchScope } from '@zkl/wire';
import type { Stat } from '../client/results.js';

/** Options of {@link Calls.watch}. */
export interface WatchOptions {
  /**
   * - `node` (default): the znode itself, which need not exist.
   * - `children`: its direct children, and its own creation and deletion.
   * - `subtree`: it and everything below it.
   */
  readonly scope?: WatchScope | undefined;
  /** Only these. Default: all. */
  readonly types?: readonly ChangeType[] | undefined;
  /** Changes after this zxid, such as `watch.zxid` of an earlier one, also of another process. Default: from now on (see `ready`). */
  readonly from?: bigint | undefined;
  /** Events carry the new data. Default: false. */
  readonly data?: boolean | undefined;
  /** Events carry the stat: after the change, of a deleted znode before it. Default: false. */
  readonly stat?: boolean | undefined;
  /** Events carry the data of before. Default: false. */
  readonly previousData?: boolean | undefined;
  /** Begin with a `reset` that holds the present state. Default: false. */
  readonly snapshot?: boolean | undefined;
  /**
   * Events that wait here for a consumer that is slow, at most: 1 to 1,000,000. Beyond it the watch is taken off the server, and put on
   * again where it was when half of them are consumed. Default: 10,000.
   */
  readonly bufferMax?: number | undefined;
  /** Ends the watch: whoever consumes it is told what was there, and then `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A znode was created, its data was set, or it was deleted. Watches of one client that hear of the same change get the same event: copy `data` before you
 * change it.
 */
export interface ChangeEvent {
  readonly type: ChangeType;
  readonly path: string;
  /** Where the change stands in the order of all writes. Events of one write or transaction share it. */
  readonly zxid: bigint;
  /** Present when asked for. */
  readonly stat?: Stat;
  /** Present when asked for, but not of a deleted znode; null and empty are different. */
  readonly data?: Uint8Array | null;
  /** Present when asked for, but not of a created znode. */
  readonly previousData?: Uint8Array | null;
}

/** A znode in a snapshot. */
export interface SnapshotNode {
  readonly path: string;
  readonly stat: Stat;
  /** Present when asked for by `data`. */
  readonly data?: Uint8Array | null;
}

/** The changes since the last event are not known: here is the whole state of the scope instead. Events after its zxid follow. */
export interface ResetEvent {
  readonly type: 'reset';
  /** `requested`: by `snapshot`. `historyGone`: no server holds what changed since. `tooSlow`: the server could not wait any more. */
  readonly reason: 'requested' | 'historyGone' | 'tooSlow';
  readonly zxid: bigint;
  /** All of the scope, in no particular order. */
  readonly nodes: readonly SnapshotNode[];
}

/** What a {@link Watch} tells. */
export type WatchEvent = ChangeEvent | ResetEvent;

/** One step: all that one write or transaction changed within the scope, in order; or a reset; or how far everything is told. */
export type WatchStep =
  | { readonly kind: 'events'; readonly zxid: bigint; readonly events: readonly ChangeEvent[] }
  | { readonly kind: 'reset'; readonly zxid: bigint; readonly reset: ResetEvent }
  | { readonly kind: 'progress'; readonly zxid: bigint };

/**
 * The changes of a scope, each exactly once and in order, for as long as it is iterated: lost connections, dead servers and elections are
 * borne, and it goes on where it was. What cannot be told any more is said by a `reset`, never left out in silence. Consumed once, by one
 * consumer: by iteration, which ends it when the loop is left, by `forEach` or by `steps`. It begins when it is first consumed, or by `ready`.
 *
 * Every event comes before a reply that shows what it tells, on the same client.
 */
export interface Watch extends AsyncIterable<WatchEvent> {
  /** Everything up to this zxid was handed to the consumer; 0n at first. Pass it as `from` to go on from there later. */
  readonly zxid: bigint;
  /** Begins, and resolves once a server watches: every change after this zxid (or `from`) will come. */
  ready(): Promise<bigint>;
  /**
   * Calls a listener with each event, in order, as `AsyncIterator.prototype.forEach` does; instead of iterating the watch. Where many watches hear of the same
   * changes it costs a fraction of that: there is no promise for an event.
   *
   * Never called from within `forEach` itself. A listener that returns nothing is called from where the event arrived: what takes long in it holds back all of
   * the client. One that returns a promise gets the next event when that has resolved; what comes meanwhile waits, up to `bufferMax`. It may end this watch (by
   * the signal) or others, or begin others.
   *
   * @returns Resolves when the watch has ended in order. Rejects with the error that it ended with, once the events before it were told: `ABORTED` by the signal,
   *   `CLIENT_CLOSED` by the client's end, and all that ends an iteration; or with what the listener threw or rejected with, which ends the watch. Rejects
   *   with {@link BadArgumentsError} when the watch has a consumer already, or the listener is no function.
   */
  forEach(listener: (event: WatchEvent) => void | PromiseLike<void>): Promise<void>;
  /** The same by steps, with progress marks; instead of iterating the watch itself. */
  steps(): AsyncIterable<WatchStep>;
}
