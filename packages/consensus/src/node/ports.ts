import type { Block } from '../core/block.js';
import type { Message } from '../core/messages.js';
import type { ServerId } from '../core/server-id.js';
import type { Zxid } from '../core/zxid.js';

/**
 * The ports of a node: what the driver needs from the world. Each has an implementation for production
 * (@zkl/log-store, @zkl/server, @zkl/state-machine) and one in memory (@zkl/consensus/memory), and each implementation runs the
 * port's suite (@zkl/consensus/testing).
 */

/** The epochs a server has promised and adopted: one record, replaced atomically. */
export interface HardState {
  /** The last NEWEPOCH promised. */
  readonly acceptedEpoch: number;
  /** The last epoch whose history was adopted; 0 for a server that never held any. */
  readonly currentEpoch: number;
}

/** What a log store found on disk when it was opened. */
export interface RecoveredLog {
  readonly hardState: HardState;
  /** The end of the log: the last block that is whole and linked, or the snapshot's zxid when no block follows it. */
  readonly lastZxid: Zxid;
  /** Reading may start after this zxid, and not before it: zero for a log that was never purged. */
  readonly firstZxid: Zxid;
  /** The newest snapshot that is whole; undefined when there is none. */
  readonly snapshotZxid: Zxid | undefined;
  /** The highest commit position that any block in the log tells of: safe to apply before any leader is known. */
  readonly committedZxid: Zxid;
  /**
   * Set when something that may have been acknowledged is unreadable: the log ends at the last good block before the damage
   * (`lastZxid`), the damaged bytes are kept, and this server must not vote until a leader has repaired it.
   * It stays set, across restarts, until `write` is called with `repaired: true`; an installed snapshot alone does not end it.
   */
  readonly damage: string | undefined;
}

/** One durable step. Its parts take effect in this order, and all before `write` resolves. */
export interface LogWrite {
  /** Drop every block that ends after this zxid, and every snapshot after it. It is the end of a block, or of a snapshot. */
  readonly truncateTo?: Zxid | undefined;
  /** To be appended: each follows on the one before it. */
  readonly blocks: readonly Block[];
  /** Written after the blocks are durable. */
  readonly hardState?: HardState | undefined;
  /** The log is whole again: forget the damage. */
  readonly repaired?: boolean | undefined;
}

/** `diverged`: `after` is no block end of this log; `at` is the last block end before it. `gone`: only a snapshot can tell. */
export type LogRead =
  | { readonly kind: 'blocks'; readonly blocks: readonly Block[] }
  | { readonly kind: 'diverged'; readonly at: Zxid }
  | { readonly kind: 'gone' };

/**
 * A snapshot that is being read. `chunks` may be iterated once, and each chunk's bytes are good until the next is asked for; `close` frees what it holds,
 * iterated or not.
 */
export interface SnapshotReader {
  readonly zxid: Zxid;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** The durable log of one server. Calls of `write` do not overlap; reads may run at any time. */
export interface LogStore {
  /** Reads and repairs what is on disk (a torn tail is cut). Called once, before anything else. */
  open(): Promise<RecoveredLog>;
  /** Resolves when everything in it is durable. A failure ends the run of the process: it is never retried. */
  write(write: LogWrite): Promise<void>;
  /** Blocks that follow on `after`, in order: at least one if there is any, about `maxBytes` at most. Sees what was written by resolved writes. */
  read(after: Zxid, maxBytes: number): Promise<LogRead>;
  /** Saves a snapshot of the state at `zxid`; purges what it makes dispensable. The chunks are read at the store's pace. */
  saveSnapshot(zxid: Zxid, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
  /** The newest whole snapshot. */
  openSnapshot(): Promise<SnapshotReader | undefined>;
  /**
   * Takes a snapshot from a leader: writes it beside the present state, checks it, and only then replaces log and snapshots by it.
   * The log is empty after it and goes on from `zxid`. A failure or an abort leaves all as it was. Not called while a `write` is under way.
   */
  installSnapshot(zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Bytes of log on disk after the newest snapshot: when to take the next one. */
  readonly bytesSinceSnapshot: number;
  /** Bytes of log and snapshots on disk. */
  readonly sizeBytes: number;
  close(): Promise<void>;
}

/** What the driver tells the transport's owner to do with messages from peers. */
export interface PeerEvents {
  onMessage(from: ServerId, message: Message): void;
  /** Messages can now be exchanged with this peer. */
  onPeerUp(peer: ServerId): void;
  /** A connection to or from this peer ended: messages may have been lost. */
  onPeerLost(peer: ServerId): void;
  /** A snapshot comes from a peer, for this attempt. Rejecting refuses it; `chunks` ends or throws with the stream. */
  onSnapshot(from: ServerId, attempt: number, zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Carries messages between servers: in order and at most once while a connection lasts, else not at all. */
export interface PeerTransport {
  start(events: PeerEvents): Promise<void>;
  /** Sends, or drops when there is no connection. Never throws and never waits; messages of one turn travel together. */
  send(to: ServerId, message: Message): void;
  /** Streams a snapshot with back-pressure, beside the messages. Rejects when it did not arrive whole. */
  sendSnapshot(to: ServerId, attempt: number, snapshot: SnapshotReader, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** The replicated state machine. `R` is the result of one write. Deterministic: the same blocks give the same state and results everywhere. */
export interface StateMachine<R> {
  /**
   * Applies a committed block; answers with one result per write, in order. Blocks come in order, without gaps. Never throws for bad input: that is
   * a result. With `resultsWanted` false nobody here waits for any of them, as for most blocks on a follower: the answer is not looked at and need
   * hold none, and what becomes of the state is the same.
   */
  apply(block: Block, resultsWanted: boolean): readonly R[];
  /**
   * Begins a snapshot: a consistent cut at the moment of the call. Each step of the iterator does about a millisecond of work,
   * and blocks may be applied between steps. A chunk's bytes are good until the next step. At most one at a time; returning early ends it.
   */
  snapshot(): IterableIterator<Uint8Array>;
  /** Replaces the whole state. A failure leaves the state unusable, and ends the run. */
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Time as the driver needs it: only `monotonicMs` decides anything; `wallMs` is stamped on blocks. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Calls `callback` every `periodMs` until the returned function is called. */
  every(periodMs: number, callback: () => void): () => void;
  /** Calls `callback` in a later turn of the event loop, after what the sockets have delivered. */
  nextTurn(callback: () => void): void;
}
