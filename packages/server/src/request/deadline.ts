/** Of the client's time, what is kept for the way back: at least, at most, and the share between. */
const MARGIN_MIN_MS = 10;
const MARGIN_MAX_MS = 200;
const MARGIN_SHARE = 0.2;

/**
 * When a request must have been answered, on the clock of `performance.now()`: before the client's own deadline, so that it hears what is wrong and
 * does not have to guess. `clientMs` is what the client has left, undefined when it stated no deadline.
 */
export function deadlineOf(clientMs: number | undefined, requestTimeoutMs: number): number {
  const givenMs = Math.min(clientMs ?? requestTimeoutMs, requestTimeoutMs);
  const marginMs = Math.min(MARGIN_MAX_MS, Math.max(MARGIN_MIN_MS, givenMs * MARGIN_SHARE));
  return performance.now() + Math.max(1, givenMs - marginMs);
}

/** Ends the work on a request early. At the deadline it is settled with what is known of it; cancelled, nobody is told. */
export type GiveUp = (why: 'deadline' | 'cancelled') => void;
