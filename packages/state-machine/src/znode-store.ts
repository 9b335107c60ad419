import type { Name, Stat } from '@zkl/wire';

/** When a write happens: its zxid, and the time of the log in halves of 32 bits. Reused from write to write. */
export interface Moment {
  epoch: number;
  counter: number;
  timeLow: number;
  timeHigh: number;
}

/**
 * The tree as the rules see it. Nodes are named by slots, which stay theirs as long as they live. Callers have checked everything:
 * that the parent exists and the name is new, that the node exists and has no children. Data are a range of bytes, copied;
 * length -1 stands for null.
 */
export interface ZnodeStore {
  /** Nodes, the root included. */
  readonly count: number;
  /** The root, which is always there. */
  readonly root: number;
  /** The child with this name, or NO_SLOT. */
  child(parent: number, name: Name): number;
  /** Makes a node, and tells its parent: cversion, pzxid, the count of creates. */
  insert(parent: number, name: Name, bytes: Uint8Array, start: number, length: number, moment: Moment): number;
  /** Replaces the data: version, mzxid and mtime. */
  setData(node: number, bytes: Uint8Array, start: number, length: number, moment: Moment): void;
  /** Removes a node, and tells its parent: cversion and pzxid. */
  remove(node: number, moment: Moment): void;
  stat(node: number): Stat;
  version(node: number): number;
  childCount(node: number): number;
  /** Children ever created, modulo 2^32. */
  creates(node: number): number;
  /** A copy of the data. */
  data(node: number): Uint8Array | null;
  /** Whether the data are these bytes; null data equal none. */
  hasData(node: number, bytes: Uint8Array, start: number, length: number): boolean;
  name(node: number): string;
  /** Children in the order of their names' bytes, at most `limit`, from the first name after bytes `start` to `end`. */
  childrenAfter(node: number, bytes: Uint8Array, start: number, end: number, limit: number): number[];
}

/** The version after `version`: an int32 that skips -1, which means any, when it wraps. */
export function nextVersion(version: number): number {
  const next = (version + 1) | 0;
  return next === -1 ? 0 : next;
}
