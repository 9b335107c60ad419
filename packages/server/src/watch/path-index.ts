import { parentOf, TYPE_BITS, type ChangeType, type WatchSpec } from './watch-spec.js';

/** What stands in the index. */
export interface Indexed {
  readonly spec: WatchSpec;
}

/** Finds the watches that a change concerns, without looking at those it does not: by the path itself, its parent, and its ancestors. */
export class PathIndex<W extends Indexed> {
  readonly #scopes = {
    node: new Map<string, Set<W>>(),
    children: new Map<string, Set<W>>(),
    subtree: new Map<string, Set<W>>(),
  };
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(watcher: W): void {
    const { scope, path } = watcher.spec;
    const paths = this.#scopes[scope];
    let watchers = paths.get(path);
    if (watchers === undefined) paths.set(path, (watchers = new Set()));
    if (watchers.has(watcher)) return;
    watchers.add(watcher);
    this.#size += 1;
  }

  delete(watcher: W): void {
    const { scope, path } = watcher.spec;
    const watchers = this.#scopes[scope].get(path);
    if (watchers?.delete(watcher) !== true) return;
    this.#size -= 1;
    if (watchers.size === 0) this.#scopes[scope].delete(path);
  }

  *values(): IterableIterator<W> {
    for (const paths of Object.values(this.#scopes)) for (const watchers of paths.values()) yield* watchers;
  }

  /** Calls `found` once for each watch that is to be told of this change. */
  match(type: ChangeType, path: string, found: (watcher: W) => void): void {
    const { node, children, subtree } = this.#scopes;
    if (node.size > 0) tell(node.get(path), type, found);
    if (children.size > 0) {
      if (type !== 'set') tell(children.get(path), type, found);
      const parent = parentOf(path);
      if (parent !== undefined) tell(children.get(parent), type, found);
    }
    if (subtree.size === 0) return;
    for (let top: string | undefined = path; top !== undefined; top = parentOf(top)) {
      tell(subtree.get(top), type, found);
    }
  }
}

function tell<W extends Indexed>(watchers: Set<W> | undefined, type: ChangeType, found: (watcher: W) => void): void {
  if (watchers === undefined) return;
  for (const watcher of watchers) if ((watcher.spec.types & TYPE_BITS[type]) !== 0) found(watcher);
}
