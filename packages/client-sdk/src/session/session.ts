import type { Calls } from '../client/client.js';
import type { CallOptions } from '../options/call-options.js';

/** Options of {@link Client.session}. */
export interface SessionOptions extends CallOptions {
  /**
   * How long the session outlives silence, asked in whole milliseconds: 1 to 86,400,000. Here `timeoutMs` is this, and not the call's
   * deadline. The server grants one within its bounds (500 to 120,000 unless configured). Default: 10,000.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * - `connected`: the cluster has confirmed it lately, and a stream stands.
 * - `suspended`: no stream at present. It lives still, and may be connected again before it expires.
 * - `expired`: it is over, or may be: its ephemeral znodes are gone, or will be. For good.
 * - `closed`: it was closed here. For good.
 */
export type SessionState = 'connected' | 'suspended' | 'expired' | 'closed';

/**
 * A session: it owns ephemeral znodes, and has all the calls of a client, on a stream of its own. It is kept alive by itself, moves to another
 * server when it must, and ends when the cluster heard nothing of it for its timeout, or when it is closed.
 *
 * It **expires here before it can expire there**: the client counts, on a clock that never jumps, from when it *sent* the last sign of
 * life that the leader has confirmed, and gives up 5 % of the timeout earlier, for clocks that run at different speeds. So whoever looks at
 * `signal` or `state` knows in time; a process that stood still knows when it goes on, because both look at the clock.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * await using session = await client.session({ timeoutMs: 5_000 });
 * await session.create('/workers/me', 'here', { mode: 'ephemeral' });
 * await fetch('https://example.org/work', { signal: session.signal });
 * ```
 */
export interface Session extends Calls, AsyncDisposable {
  /** The zxid that created it: unique for ever, and what `stat.ephemeralOwner` shows. */
  readonly id: bigint;
  /** What was granted, in milliseconds. */
  readonly timeoutMs: number;
  readonly state: SessionState;
  /** Aborted when it is `expired` or `closed`, before the cluster gives what it owned to anybody. Its reason is a {@link ZklError}. */
  readonly signal: AbortSignal;
  /** Its states as they change, the present one first; ends after the last one. States that come and go between two steps are left out. */
  states(): AsyncIterable<SessionState>;
  /** Calls back with every change of state, in order. Returns how to stop that. */
  onState(callback: (state: SessionState) => void): () => void;
  /** Milliseconds until it expires if nothing is confirmed from now on; 0 when it is over. */
  readonly remainingMs: number;
  /** Ends it: its ephemeral znodes go at once, in one zxid. Best effort: if the cluster is not reached, they go at the timeout. Idempotent. */
  close(options?: CallOptions): Promise<void>;
}
