/**
 * A job that runs once for a slot of time, though many processes have it in their cron.
 *
 * Guarantees: for one key and slot `fn` runs in one live process at a time, and not again after it succeeded; if its process dies, or `fn` fails, the next that asks runs it. The success
 * is recorded only if the lock was held until then.
 *
 * Not guaranteed: that `fn` begins once only: a process that dies after the work and before the record leaves it to another (at least once). Let what it writes to check the token.
 */
import { isZklError } from '../errors/zkl-error.js';
import { badArguments } from '../options/validate.js';
import type { Session } from '../session/session.js';
import { ensureFolder, PATIENTLY } from './contender.js';
import type { AcquireOptions, Holding } from './holding.js';
import { Lock } from './lock.js';

export type { Holding } from './holding.js';

/** Options of {@link runOnce}. */
export interface RunOnceOptions extends AcquireOptions {
  /** The folder of the records. Default: `/run-once`. */
  readonly path?: string | undefined;
  /** How long a record is kept, in milliseconds: longer than anybody may ask for the slot. Default: 7 days. */
  readonly keepMs?: number | undefined;
}

/** What {@link runOnce} came to: this process ran it, or it was done already. */
export type RunOnceResult<T> = { readonly ran: true; readonly value: T } | { readonly ran: false };

const KEEP_MS = 7 * 86_400_000;

/**
 * Runs `fn` unless it was run for this key and slot. Waits while another process runs it.
 *
 * @param key - The job. @param slot - When: `2026-01-31`, say, or the number of the hour. Both are names of znodes: no slash.
 * @param fn - Gets the holding: its `signal`, which is aborted when somebody else may run it, and its fencing `token`.
 * @throws what `fn` throws; {@link ZklError} `SESSION_EXPIRED` when the success could not be recorded; those of every call.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 * import { runOnce } from '@zkl/client-sdk/recipes/run-once';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * await using session = await client.session();
 * const today = new Date().toISOString().slice(0, 10);
 * await runOnce(session, 'invoices', today, ({ signal }) => fetch('https://example.org/invoices', { signal }));
 * ```
 */
export async function runOnce<T>(
  session: Session,
  key: string,
  slot: string | number,
  fn: (holding: Pick<Holding, 'signal' | 'token'>) => T | Promise<T>,
  options: RunOnceOptions = {},
): Promise<RunOnceResult<T>> {
  const { path = '/run-once', keepMs = KEEP_MS, ...acquire } = options;
  for (const name of [key, String(slot)]) if (name.includes('/')) throw badArguments(`${name} has a slash`);
  const folder = `${path}/${key}/done`;
  const done = `${folder}/${slot}`;
  if (await isDone(session, done)) return { ran: false };
  await using held = await new Lock(session, `${path}/${key}/running-${slot}`).acquire(acquire);
  if (await isDone(session, done)) return { ran: false };
  const value = await fn(held);
  held.signal.throwIfAborted();
  await record(session, folder, done, String(held.token), keepMs);
  return { ran: true, value };
}

/** Linearizable: who comes after a success knows of it. */
async function isDone(session: Session, done: string): Promise<boolean> {
  return (await session.exists(done)) !== undefined;
}

/** The write is in the session's name: it is refused when that has expired, and so the lock may be somebody else's. */
async function record(session: Session, folder: string, done: string, token: string, keepMs: number): Promise<void> {
  for (;;) {
    try {
      await session.create(done, token, { ...PATIENTLY, mode: 'ttl', ttlMs: keepMs });
      return;
    } catch (error) {
      if (!isZklError(error, 'NO_NODE')) throw error;
      await ensureFolder(session, folder);
    }
  }
}
