import type { WatchRecord } from './record.js';
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
