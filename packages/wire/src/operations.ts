import type { Stat, Zxid } from './stat.js';

/** What a read of the session stream must see. */
export interface ReadGuarantee {
  /** True: every write that was acknowledged, to anyone, before the read was sent. False: what the server has applied. Default true. */
  readonly linearizable?: boolean | undefined;
  /** The read waits until the server has applied this zxid. Default: none. */
  readonly atLeast?: Zxid | undefined;
}

/** Asks for a page of a node's children. */
export interface ChildrenQuery {
  readonly kind: 'children';
  readonly path: string;
  /** Children a page: 1 to 10,000; 0 for the server's default. */
  readonly pageSize: number;
  /** Only names after this one, in the order of their UTF-8 bytes; empty for all. */
  readonly startAfter: string;
  readonly withStat: boolean;
  readonly withData: boolean;
}

/** Asks for a node, its stat, the number of its descendants, its quota. */
export interface PathQuery {
  readonly kind: 'get' | 'exists' | 'count' | 'quota';
  readonly path: string;
}

/** Asks for the register. */
export interface RegisterQuery {
  readonly kind: 'register';
}

/** Asks for several things in one and the same state. */
export interface MultiQuery {
  readonly kind: 'multi';
  readonly reads: readonly SingleQuery[];
}

/** What a multi-read may hold. */
export type SingleQuery = PathQuery | ChildrenQuery;

/** What a read asks for. */
export type Query = SingleQuery | RegisterQuery | MultiQuery;

/** What of a tree a watch looks at: the node, its direct children too, everything below it too. */
export type WatchScope = 'node' | 'children' | 'subtree';

/** What happened to a node. */
export type ChangeType = 'created' | 'set' | 'deleted';

/** A watch as its stream knows it. */
export interface WatchOptions {
  /** The client's name of it, unique on its stream: 1 .. 2^32 - 1. */
  readonly id: number;
  readonly path: string;
  readonly scope: WatchScope;
  /** Only these. Default, and when empty: all. */
  readonly types?: readonly ChangeType[] | undefined;
  /** Changes after this zxid. Default: from now on. */
  readonly from?: Zxid | undefined;
  readonly withData?: boolean | undefined;
  readonly withStat?: boolean | undefined;
  readonly withPreviousData?: boolean | undefined;
  /** Begin with a snapshot, whatever history there is. */
  readonly withSnapshot?: boolean | undefined;
  /** A progress mark at least this often while nothing happens, in milliseconds; 0 for the server's default. Default 0. */
  readonly progressIntervalMs?: number | undefined;
}

/** An operation of the session stream, as a client says it. Writes are appended as the bytes of their command: `appendWrite`. */
export type StreamOperation =
  | ({ readonly kind: 'read'; readonly query: Query } & ReadGuarantee)
  | { readonly kind: 'watch'; readonly watch: WatchOptions }
  | { readonly kind: 'cancelWatch'; readonly id: number }
  /** Asks for a progress mark of a watch. */
  | { readonly kind: 'progress'; readonly id: number }
  /** Answered when the server has applied what was acknowledged, to anyone, before this was sent. */
  | { readonly kind: 'sync' };

/** A child in a page. */
export interface ChildAnswer {
  readonly name: string;
  readonly stat: Stat | undefined;
  /** Undefined when it was not asked for. */
  readonly data: Uint8Array | null | undefined;
}
