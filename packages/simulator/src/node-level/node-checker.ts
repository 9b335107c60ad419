import type { Block, RecoveredLog, Zxid } from '@zkl/consensus';
import type { Result } from '@zkl/state-machine';
import type { NodeLedger } from './node-ledger.js';
import type { SimulatedServer } from './simulated-server.js';
import type { Call } from '../history/record.js';

/** What checkers see of the run that they watch. */
export interface NodeWorld {
  readonly servers: readonly SimulatedServer[];
  readonly quorum: number;
  readonly ledger: NodeLedger;
  readonly history: readonly Call[];
  /** Notes, for the report of the level, that it happened once more. */
  count(what: string): void;
  /** A property does not hold: the run ends. */
  violate(property: string, message: string): void;
}

/** Watches one property, at every event that it is told of. */
export interface NodeChecker {
  onOpened?(server: SimulatedServer, recovered: RecoveredLog): void;
  onStatus?(server: SimulatedServer): void;
  /** `isNew`: nobody had applied it before; it is in the ledger now. */
  onApplied?(server: SimulatedServer, block: Block, results: readonly Result[], digest: string, isNew: boolean): void;
  onRestored?(server: SimulatedServer, zxid: Zxid, digest: string): void;
  /** A client is told what came of its write. */
  onReply?(server: SimulatedServer, client: string, requestId: number, result: Result): void;
  /** A client is told what it read, at this zxid. */
  onRead?(server: SimulatedServer, operation: Call, served: Zxid): void;
  /** All faults have ended, and everything has settled. */
  onHealed?(): void;
}

export type NodeCheckerFactory = (world: NodeWorld) => NodeChecker;
