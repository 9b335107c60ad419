import type { Block, PersistBatch, Ready, ServerId, Zxid } from '@zkl/consensus';
import type { EventQueue } from './event-queue.js';
import type { Random } from './random.js';
import type { Settings } from './swarm.js';
import type { Trace } from './trace.js';
import type { VirtualNetwork } from './virtual-network.js';
import type { VirtualServer } from './virtual-server.js';

/** What a server tells the world of. */
interface ServerEvents {
  onStart(server: VirtualServer): void;
  /** Before anything of it is carried out. */
  onProposed(server: VirtualServer, ready: Ready): void;
  onReady(server: VirtualServer, ready: Ready): void;
  onTurn(server: VirtualServer): void;
  onApply(server: VirtualServer, block: Block, position: number): void;
  onRestored(server: VirtualServer): void;
  onDurable(server: VirtualServer, batches: readonly PersistBatch[]): void;
  onRead(server: VirtualServer, ticket: number, zxid: Zxid): void;
  onSendSnapshot(server: VirtualServer, to: ServerId, attempt: number): void;
  onRetired(server: VirtualServer): void;
}

export interface ServerSurroundings {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly network: VirtualNetwork;
  readonly trace: Trace;
  readonly settings: Settings;
  readonly events: ServerEvents;
}
