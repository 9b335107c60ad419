import {
  HAS_FROM,
  SCOPE_CHILDREN,
  SCOPE_NODE,
  WITH_DATA,
  WITH_PREVIOUS_DATA,
  WITH_SNAPSHOT,
  WITH_STAT,
  isValidPath,
  type OperationReader,
} from '@zkl/wire';
import { PROGRESS_INTERVAL_MS } from '../watch/progress-interval.js';
import type { WatchStart } from '../watch/watch-hub.js';

/** The watch that the reader has come to; undefined when its path or its interval is not allowed. */
export function watchStartOf(reader: OperationReader): Omit<WatchStart, 'sink'> | undefined {
  const { path, scope, types, flags, watchId, progressIntervalMs: asked } = reader;
  const progressIntervalMs = asked === 0 ? PROGRESS_INTERVAL_MS.default : asked;
  const { min, max } = PROGRESS_INTERVAL_MS;
  if (!isValidPath(path, false) || progressIntervalMs < min || progressIntervalMs > max) return undefined;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    id: watchId,
    spec: {
      path,
      types,
      scope: scope === SCOPE_NODE ? 'node' : scope === SCOPE_CHILDREN ? 'children' : 'subtree',
      withData: has(WITH_DATA),
      withStat: has(WITH_STAT),
      withPrevious: has(WITH_PREVIOUS_DATA),
    },
    from: has(HAS_FROM) ? { epoch: reader.fromEpoch, counter: reader.fromCounter } : undefined,
    withSnapshot: has(WITH_SNAPSHOT),
    progressIntervalMs,
  };
}
