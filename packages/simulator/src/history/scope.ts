import type { ChangeType, WatchRecord } from './record.js';
import { parentOf } from './tree-model.js';

type Opened = WatchRecord & { readonly event: 'opened' };

/** Whether a watch looks at a path. */
export function isInScope({ path, scope }: Pick<Opened, 'path' | 'scope'>, other: string): boolean {
  if (!other.startsWith('/')) return false;
  if (other === path) return true;
  if (scope === 'node') return false;
  if (scope === 'children') return parentOf(other) === path && other !== '/';
  return path === '/' || other.startsWith(`${path}/`);
}

/** Whether a watch tells of a change of this type: one of children tells of the parent itself that it comes and goes, and not that it is set. */
export function isTold(opened: Pick<Opened, 'path' | 'scope'>, path: string, type: ChangeType): boolean {
  const isOwnSet = opened.scope === 'children' && path === opened.path && type === 'set';
  return !isOwnSet && isInScope(opened, path);
}
