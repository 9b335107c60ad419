import type { Block } from './block.js';
import type { Message } from './messages.js';
import type { ServerId } from './server-id.js';
import type { Zxid } from './zxid.js';

/** All that can happen to the core. Any number of `step(input)`, then one `takeReady()`. */
export type Input =
  /** Time passed: one tick, at most one a turn. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'message'; readonly from: ServerId; readonly message: Message }
  | { readonly kind: 'peerUp'; readonly peer: ServerId }
  | { readonly kind: 'peerLost'; readonly peer: ServerId }
  /** A batch of writes for one block. `ticket` comes back in `assigned` or `refused`. */
  | {
      readonly kind: 'propose';
      readonly ticket: number;
      readonly count: number;
      readonly payload: Uint8Array;
      readonly timeMs: number;
    }
  /** A linearizable read waits. `ticket` comes back in `reads` or `refused`. */
  | { readonly kind: 'read'; readonly ticket: number }
  /** Persist batch `batch`, and so every earlier one, is durable. */
  | { readonly kind: 'persisted'; readonly batch: number }
  /** The state machine has applied up to here. */
  | { readonly kind: 'applied'; readonly zxid: Zxid }
  /** What `readHistory` asked for. */
  | { readonly kind: 'history'; readonly to: ServerId; readonly attempt: number; readonly result: HistoryResult }
  /** The snapshot that `sendSnapshot` asked for has this zxid and arrived whole; or it did not (undefined). */
  | { readonly kind: 'snapshotSent'; readonly to: ServerId; readonly attempt: number; readonly zxid: Zxid | undefined }
  /** Part of a snapshot came in, or went out: the other side lives. */
  | { readonly kind: 'snapshotProgress'; readonly peer: ServerId; readonly attempt: number }
  /** A snapshot from the leader was installed: log and state are at this zxid. */
  | { readonly kind: 'snapshotInstalled'; readonly attempt: number; readonly zxid: Zxid }
  /** Stop in good order: refuse new writes; a leader finishes what it has and lets the others elect. */
  | { readonly kind: 'retire' };

export type HistoryResult =
  | { readonly kind: 'blocks'; readonly blocks: readonly Block[] }
  | { readonly kind: 'diverged'; readonly at: Zxid }
  | { readonly kind: 'gone' };

export type RefusalReason =
  /** This server does not lead: send it to the one that does. Certainly not applied. */
  | 'notLeader'
  /** A leader without a synchronised quorum yet, or nobody leads. Certainly not applied. */
  | 'noQuorum'
  /** This server is shutting down. Certainly not applied. */
  | 'leaving'
  /** Too much is under way. Certainly not applied. */
  | 'overloaded'
  /** The leader's disk is full. Certainly not applied; reads go on, and writes do again once there is room. */
  | 'diskFull';

export type Role = 'looking' | 'following' | 'leading';

export interface Status {
  readonly role: Role;
  /** True for a leader with a synchronised quorum, and for a follower that is up to date with such a leader. */
  readonly serving: boolean;
  /** The epoch in force (serving), or the last adopted. */
  readonly epoch: number;
  /** undefined while none is known. */
  readonly leader: ServerId | undefined;
}

export interface PersistBatch {
  readonly batch: number;
  readonly truncateTo: Zxid | undefined;
  readonly blocks: readonly Block[];
  readonly hardState: { readonly acceptedEpoch: number; readonly currentEpoch: number } | undefined;
  readonly repaired: boolean;
  /** To be sent once all of the above is durable, and not before: "acknowledged before durable" cannot be written. */
  readonly release: readonly Envelope[];
}

export interface Envelope {
  readonly to: ServerId;
  readonly message: Message;
}

/** All the work that the inputs caused. Its parts may proceed at the same time. */
export interface Ready {
  /** When it changed. */
  readonly status: Status | undefined;
  /** At once. */
  readonly send: readonly Envelope[];
  readonly persist: PersistBatch | undefined;
  /** When it moved: everything up to here is to be applied, in order, from memory (`blocksAfter`) or the log. */
  readonly committed: Zxid | undefined;
  /** The zxid of the first write of the batch, and the block that holds it. */
  readonly assigned: readonly { readonly ticket: number; readonly block: Block }[];
  readonly refused: readonly { readonly ticket: number; readonly reason: RefusalReason }[];
  /** May be served once applied >= zxid. */
  readonly reads: readonly { readonly ticket: number; readonly zxid: Zxid }[];
  /** Read the log for a learner that is behind what memory holds; answer with `history`. */
  readonly readHistory: readonly {
    readonly to: ServerId;
    readonly attempt: number;
    readonly after: Zxid;
    readonly maxBytes: number;
  }[];
  /** Stream the newest snapshot to a learner; answer with `snapshotSent`. */
  readonly sendSnapshot: readonly { readonly to: ServerId; readonly attempt: number }[];
  /** True once a `retire` is complete: nothing more comes from this server. */
  readonly retired: boolean;
}
