import type { Block, PersistBatch, ServerId, Status, Zxid } from '@zkl/consensus';
import type { Ledger } from './ledger.js';
import type { VirtualDisk } from './virtual-disk.js';
import type { VirtualServer } from './virtual-server.js';

/** What checkers may look at: everything. */
export interface World {
  readonly ledger: Ledger;
  readonly servers: readonly VirtualServer[];
  readonly quorum: number;
  /** Disks that were taken away, by server: what was durable there once. */
  readonly formerDisks: ReadonlyMap<ServerId, readonly VirtualDisk[]>;
}

/** A read that was asked for and is not answered yet. */
export interface PendingRead {
  readonly ticket: number;
  readonly server: ServerId;
  /** The least zxid that its answer may have: everything committed or read before it was asked for. */
  readonly floor: Zxid;
}

/**
 * One property. Its hooks are called as things happen, and throw a `Violation` when the property does not hold. A hook is called
 * before the event takes effect on the ledger, after it did on the server.
 */
export interface Checker {
  readonly name: string;
  /** A core is made; it has not run yet. */
  onStart?(server: VirtualServer): void;
  /** A turn is over. */
  onTurn?(server: VirtualServer): void;
  onStatus?(server: VirtualServer, status: Status): void;
  /** A leader made a block. */
  onProposed?(server: VirtualServer, block: Block): void;
  /** A server's commit position moved. */
  onCommitted?(server: VirtualServer, zxid: Zxid): void;
  /** A server is about to apply a block as number `position` (from 1) of its history. */
  onApply?(server: VirtualServer, block: Block, position: number): void;
  /** A server's state was replaced by a snapshot. */
  onRestored?(server: VirtualServer, zxid: Zxid, position: number): void;
  onDurable?(server: VirtualServer, batches: readonly PersistBatch[]): void;
  onTruncated?(server: VirtualServer, removed: Block): void;
  onHardState?(server: VirtualServer, accepted: number, current: number): void;
  onReadServed?(read: PendingRead, zxid: Zxid): void;
  /** A disk is about to be lost, or part of it. */
  onWiped?(server: VirtualServer): void;
  /** Faults have ended, there is a leader and nothing is under way. */
  onHealed?(): void;
}
