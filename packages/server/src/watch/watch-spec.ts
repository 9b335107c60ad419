/** What a watch looks at: see WatchScope in zkl/v1/watch.proto. */
export type WatchScope = 'node' | 'children' | 'subtree';

/** What happened to a node. */
export type ChangeType = 'created' | 'set' | 'deleted';

/** The bits of a mask of types. */
export const TYPE_BITS: Readonly<Record<ChangeType, number>> = { created: 1, set: 2, deleted: 4 };

export const ALL_TYPES = 7;

/** What one watch is to be told. */
export interface WatchSpec {
  readonly scope: WatchScope;
  /** A path that is allowed; the node need not exist. */
  readonly path: string;
  /** The bits of `TYPE_BITS` that it is told of. */
  readonly types: number;
  readonly withData: boolean;
  readonly withStat: boolean;
  readonly withPrevious: boolean;
}

/** One of eight: what the events of a watch carry. Watches that agree in it share their events. */
export function flagsOf({ withData, withStat, withPrevious }: WatchSpec): number {
  return (withData ? 1 : 0) | (withStat ? 2 : 0) | (withPrevious ? 4 : 0);
}

/** The path of a node's parent; undefined for the root. */
export function parentOf(path: string): string | undefined {
  if (path === '/') return undefined;
  const slash = path.lastIndexOf('/');
  return slash === 0 ? '/' : path.slice(0, slash);
}

/** Whether a watch is to be told of this change. */
export function matches(spec: WatchSpec, type: ChangeType, path: string): boolean {
  if ((spec.types & TYPE_BITS[type]) === 0) return false;
  switch (spec.scope) {
    case 'node':
      return path === spec.path;
    case 'children':
      return path === spec.path ? type !== 'set' : parentOf(path) === spec.path;
    case 'subtree':
      return inSubtree(spec.path, path);
  }
}

/** Whether a node belongs to what a watch looks at, its own top included. */
export function inScope(spec: WatchSpec, path: string): boolean {
  if (path === spec.path) return true;
  if (spec.scope === 'children') return parentOf(path) === spec.path;
  return spec.scope === 'subtree' && inSubtree(spec.path, path);
}

function inSubtree(top: string, path: string): boolean {
  if (!path.startsWith(top)) return false;
  return path.length === top.length || top === '/' || path.charCodeAt(top.length) === SLASH;
}

const SLASH = 47;
