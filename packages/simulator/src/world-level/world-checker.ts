import type { Block } from '@zkl/consensus';
import type { ChangeType, WatchScope } from '@zkl/wire';
import type { ZnodeStateMachine } from '@zkl/state-machine';
import type { WatchStep } from '@zkl/client-sdk';
import type { Chronicle, SessionLife } from './chronicle.js';
import type { WorldClient } from './world-client.js';
import type { WorldHistory } from './world-history.js';
import type { WorldServer } from './world-server.js';

/** One call of a client, from its making to its end. */
export interface CallRecord {
  /** One run of a client's process. */
  readonly client: WorldClient;
  /** What it went over: calls of one lane keep their order. */
  readonly lane: string;
  /** Its number among the calls of its lane, in the order in which they were made. */
  readonly number: number;
  /** In words. */
  readonly what: string;
  /** On the one clock of the world, in units. */
  readonly start: number;
  readonly end: number;
  readonly consistency: 'write' | 'linearizable' | 'local' | 'atLeast';
  /** What it writes that nobody else ever writes. */
  readonly values: readonly string[];
  readonly outcome: 'done' | 'rejected' | 'unknown';
  /** Where the cluster's order has it: of a write its place, of a read the state that it saw. */
  readonly zxid?: number | undefined;
  readonly code?: string | undefined;
  /** What it saw of the state at its zxid. */
  readonly seen: readonly Seen[];
  /** What it changed, as it was told. */
  readonly effects: readonly Effect[];
}

/** Something a client was told of the state at a zxid. */
export type Seen =
  | { readonly kind: 'znode'; readonly path: string; readonly znode: SeenZnode | undefined }
  | { readonly kind: 'children'; readonly path: string; readonly names: readonly string[] };

interface SeenZnode {
  /** Undefined: not told. */
  readonly data?: string | null | undefined;
  readonly version: number;
}

/** Something a client was told that its write did. */
export interface Effect {
  readonly type: ChangeType;
  readonly path: string;
  readonly value?: string | undefined;
  readonly version?: number | undefined;
}

/** A watch of a client. */
export interface WatchRecord {
  readonly client: WorldClient;
  readonly name: string;
  readonly path: string;
  readonly scope: WatchScope;
  readonly types: readonly ChangeType[];
  /** What its calls go over too: events come before their replies. */
  readonly lane: string;
  readonly withSnapshot: boolean;
  /** Everything up to here was told; undefined until it stands. */
  told: number | undefined;
  isOver: boolean;
}

/** Somebody's hold of a lock or a leadership. */
export interface HoldRecord {
  readonly client: WorldClient;
  readonly path: string;
  readonly token: number;
  readonly sessionId: number;
  /** Whether the holder, should it look, would find its signal aborted. */
  readonly isOver: () => boolean;
}

/** A session as its client has it. */
export interface SessionRecord {
  readonly client: WorldClient;
  readonly id: number;
  /** Whether it is over, should its client look. */
  readonly isOver: () => boolean;
}

/** What checkers see of the run that they watch. */
export interface WorldView {
  readonly chronicle: Chronicle;
  readonly history: WorldHistory;
  readonly servers: readonly WorldServer[];
  readonly sessions: ReadonlyMap<number, SessionRecord>;
  /** Sessions that an operator ended: their clients could not know before. */
  readonly forced: ReadonlySet<number>;
  /** Notes, for the report of the level, that it happened once more. */
  count(what: string): void;
  /** A property does not hold: the run ends. */
  violate(property: string, message: string): void;
  /** After what happens now, before anything else of this moment. */
  soon(callback: () => void): void;
}

/** Watches one property, at every event that it is told of. */
export interface WorldChecker {
  /** A server has applied a block. `isNew`: nobody had before. */
  onApplied?(server: WorldServer, block: Block, state: ZnodeStateMachine, isNew: boolean): void;
  onRestored?(server: WorldServer, state: ZnodeStateMachine): void;
  /** A session is over, for a server. */
  onSessionEnded?(session: SessionLife): void;
  onCall?(call: CallRecord): void;
  onStep?(watch: WatchRecord, step: WatchStep): void;
  onHeld?(hold: HoldRecord): void;
  /** The whole of a mirror, after one of its steps. */
  onMirror?(client: WorldClient, path: string, zxid: number, znodes: ReadonlyMap<string, string | null>): void;
  /** All faults have ended, and everything has settled. */
  onHealed?(watches: readonly WatchRecord[]): void;
}

export type WorldCheckerFactory = (world: WorldView) => WorldChecker;

/** A zxid as people read it. */
export function showZxid(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}
