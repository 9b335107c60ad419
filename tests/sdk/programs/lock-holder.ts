/**
 * Holds a lock, and tells on its output, a JSON object a line, until when its session lives at least: so that a test can kill it, or stop it and let it go on.
 * What comes on its input makes it go on with its work, as if nothing had happened in between.
 *
 *     lock-holder.ts ENDPOINTS LOCK_PATH GUARDED_PATH TIMEOUT_MS
 */
import { createClient, isZklError } from '@zkl/client-sdk';
import { fencedSet } from '@zkl/client-sdk/recipes/fencing';
import { Lock } from '@zkl/client-sdk/recipes/lock';
import { monotonicMs } from '../support.js';

/** How often it is looked whether the session was confirmed again. */
const LOOK_MS = 10;

const [endpoints = '', lockPath = '', guardedPath = '', timeoutMs = ''] = process.argv.slice(2);
const tell = (line: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** The code that a call rejects with; `done` when it does not. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    return isZklError(error) ? error.code : String(error);
  }
}

const client = createClient({ endpoints: endpoints.split(',') });
const session = await client.session({ timeoutMs: Number(timeoutMs) });
const held = await new Lock(session, lockPath).acquire();
let fired = false;
held.signal.addEventListener('abort', () => (fired = true));
tell({ event: 'held', token: String(held.token) });

let expiresAtMs = 0;
setInterval(() => {
  const nowMs = monotonicMs();
  const nextMs = nowMs + session.remainingMs;
  if (nextMs < expiresAtMs + 1 || session.remainingMs === 0) return;
  expiresAtMs = nextMs;
  tell({ event: 'confirmed', expiresAtMs });
}, LOOK_MS);

process.stdin.on('data', () => {
  // The write is asked for before anything has looked at the clock.
  const writing = outcomeOf(session.set(guardedPath, 'of a session that is over'));
  const { aborted } = held.signal;
  const atOnce = { aborted, fired, state: session.state };
  void (async () => {
    const written = await writing;
    const again = await outcomeOf(session.set(guardedPath, 'of a session that is over'));
    const fenced = await outcomeOf(fencedSet(client, guardedPath, 'of an old token', held.token));
    tell({ event: 'went on', ...atOnce, written, again, fenced });
  })();
});
