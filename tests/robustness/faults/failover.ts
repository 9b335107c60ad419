import { isAcknowledged, type Trial } from './trial.js';
import { until } from './until.js';

/** One change of leader under load. */
export interface Failover {
  readonly leader: number;
  /** From right before the signal to the first acknowledgement by the next leader, in milliseconds, as a client saw it. */
  readonly gapMs: number;
}

/**
 * Sends the leader a signal that ends or stops it, and waits until a client's write is acknowledged in a later epoch; and, but for SIGSTOP, until
 * its process is gone.
 *
 * @param timeoutMs - Default 20,000.
 */
export async function failOver(trial: Trial, signal: NodeJS.Signals, timeoutMs = 20_000): Promise<Failover> {
  const { id, pid } = await trial.cluster.leader();
  if (pid === undefined) throw new Error(`server ${id} leads, and has no process`);
  const epoch = epochOf(trial.acknowledged);
  const acknowledged = trial
    .next((record) => isAcknowledged(record) && epochOf('zxid' in record ? (record.zxid ?? 0) : 0) > epoch, timeoutMs)
    .then(() => performance.now());
  const startedMs = performance.now();
  // Not through the cluster, which looks first whether it is still the same process: that time is not the servers'.
  process.kill(pid, signal);
  const gapMs = (await acknowledged) - startedMs;
  if (signal !== 'SIGSTOP') await until(`server ${id} to end`, timeoutMs, async () => !isThere(pid) || undefined);
  return { leader: id, gapMs };
}

/** The epoch of a place in the order of all writes. */
export function epochOf(zxid: number): number {
  return Math.floor(zxid / 2 ** 32);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
