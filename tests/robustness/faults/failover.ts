import { epochOf } from '../history/operation.js';
import type { Trial } from './trial-cluster.js';

/** One change of leader under load. */
export interface Failover {
  readonly leader: number;
  /** From right before the signal to the first acknowledgement by the next leader, in milliseconds, as a client saw it. */
  readonly gapMs: number;
}

/**
 * Sends the leader a signal that ends or stops it, and waits until a client's write is acknowledged in a later epoch.
 *
 * @param timeoutMs - Default 20,000.
 */
export async function failOver(trial: Trial, signal: NodeJS.Signals, timeoutMs?: number): Promise<Failover> {
  const { id } = await trial.cluster.leader();
  const epoch = epochOf(trial.acknowledged);
  const startedMs = performance.now();
  const acknowledged = trial
    .next(
      (operation) => operation.outcome === 'ok' && operation.kind !== 'get' && epochOf(operation.result.zxid) > epoch,
      timeoutMs,
    )
    .then(() => performance.now());
  const [acknowledgedMs] = await Promise.all([acknowledged, trial.cluster.kill(id, signal)]);
  return { leader: id, gapMs: acknowledgedMs - startedMs };
}
