import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from './errors.js';

/** How long, and how often, to look. */
export interface WaitOptions {
  /** What is waited for, to complete "timed out waiting for ...". */
  readonly what: string;
  readonly timeoutMs: number;
  /** The pause between two looks. Default 20. */
  readonly intervalMs?: number | undefined;
  /** What to do when it does not come true in time. */
  readonly hint?: string | undefined;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks again and again until `look` gives something else than undefined, and resolves with that. What `look` throws ends the
 * wait.
 *
 * @throws ClusterError DEADLINE_EXCEEDED after `timeoutMs`.
 */
export async function waitUntil<T>(
  look: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) {
      throw new ClusterError(
        'DEADLINE_EXCEEDED',
        `timed out after ${options.timeoutMs} ms waiting for ${options.what}`,
        options.hint ?? 'Look at the servers with `zkl cluster status` and `zkl cluster logs <id>`.',
      );
    }
    await delay(Math.min(options.intervalMs ?? 20, leftMs), undefined, { signal: options.signal });
  }
}
