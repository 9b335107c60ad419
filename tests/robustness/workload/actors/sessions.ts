import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Session } from '@zkl/client-sdk';
import { pause, tolerating, type Actor, type Stage } from '../actor.js';
import { Caller, place } from '../caller.js';
import { nowUs } from '../../history/history-recorder.js';

/** Short, so that faults end some, and long enough for the others. */
const SESSION_TIMEOUTS_MS = [2_000, 4_000, 8_000] as const;

/** A session whose life is recorded, and which calls through a recorded caller. */
export interface RecordedSession {
  readonly session: Session;
  readonly caller: Caller;
  /** Ends it, and says so. */
  close(): Promise<void>;
}

let opened = 0;

/** The ephemeral znode that every session has. */
function markerOf({ root }: Stage, session: Session): string {
  return `${root}/sessions/e-${place(session.id)}`;
}

/** Opens a session; undefined when the cluster was not reached. */
export async function openSession(stage: Stage, name: string, client: Client): Promise<RecordedSession | undefined> {
  const { recorder, timeoutMs } = stage;
  const start = nowUs();
  const session = await tolerating(() => client.session({ timeoutMs: stage.random.pick(SESSION_TIMEOUTS_MS) }));
  if (session === undefined) return undefined;
  const id = place(session.id);
  const who = `${name}/s${opened++}`;
  recorder.record({ kind: 'sessionOpen', client: who, start, end: nowUs(), zxid: id });
  const told = (event: 'expired' | 'closed'): void =>
    recorder.record({ kind: 'session', client: who, session: id, at: nowUs(), event });
  recorder.record({
    kind: 'session',
    client: who,
    session: id,
    at: nowUs(),
    event: 'opened',
    timeoutMs: session.timeoutMs,
  });
  session.onState((state) => {
    recorder.record({ kind: 'session', client: who, session: id, at: nowUs(), event: 'state', state });
    if (state === 'expired') told('expired');
  });
  const caller = new Caller(who, session, recorder, { timeoutMs, session: session.id });
  // By its going everybody sees where the session ended.
  await caller.create(markerOf(stage, session), { mode: 'ephemeral' });
  const close = async (): Promise<void> => {
    if (session.state === 'expired') return session.close({ timeoutMs });
    told('closed');
    const start = nowUs();
    await session.close({ timeoutMs });
    // Best effort: whether it reached the cluster, nobody is told.
    recorder.record({ kind: 'sessionClose', client: who, session: id, start });
  };
  return { session, caller, close };
}

/** Sessions with ephemeral znodes: they live as long as the session, and no longer; some are closed, and some are left to faults. */
export const sessions: Actor = async (stage, caller, client) => {
  const { random, signal, root } = stage;
  while (!signal.aborted) {
    const opened = await openSession(stage, caller.name, client);
    if (opened === undefined) {
      await pause(stage);
      continue;
    }
    const { session } = opened;
    const path = markerOf(stage, session);
    await opened.caller.create(`${root}/sessions/q-`, { mode: 'ephemeral', sequential: true });
    const endMs = performance.now() + random.below(6_000);
    while (!signal.aborted && session.state !== 'expired' && performance.now() < endMs) {
      await opened.caller.set(path);
      // Others see it, too.
      await caller.get(path);
      await delay(random.below(200), undefined, { signal }).catch(() => undefined);
    }
    await opened.close();
  }
};
