import type { Session } from '@zkl/client-sdk';
import { LeaderElection } from '@zkl/client-sdk/recipes/leader-election';
import type { Holding } from '@zkl/client-sdk/recipes/lock';
import { Lock } from '@zkl/client-sdk/recipes/lock';
import { nowUs } from '../../history/history-recorder.js';
import { pause, tolerating, type Actor, type Stage } from '../actor.js';
import { place, type Caller } from '../caller.js';
import { openSession } from './sessions.js';

/** How long one waits for a lock before it looks whether all is over. */
const ACQUIRE_MS = 5_000;
/** Writes under one holding. */
const WRITES_MAX = 5;

/** Takes a lock, writes to what it guards with its fencing token, and gives the lock back, or loses it. */
export const lockers: Actor = contend('lock', (session, path) =>
  new Lock(session, path).acquire({ timeoutMs: ACQUIRE_MS }),
);

/** The same as leader among candidates. */
export const candidates: Actor = contend('election', (session, path) =>
  new LeaderElection(session, path).lead({ timeoutMs: ACQUIRE_MS }),
);

function contend(kind: string, acquire: (session: Session, path: string) => Promise<Holding>): Actor {
  return async (stage, caller, client) => {
    // Beside the recorded tree: the recipe's own calls are not recorded one by one.
    const path = `${stage.root}-${kind}`;
    while (!stage.signal.aborted) {
      const opened = await openSession(stage, caller.name, client);
      if (opened === undefined) {
        await pause(stage);
        continue;
      }
      while (!stage.signal.aborted && opened.session.state !== 'expired') {
        const holding = await tolerating(() => acquire(opened.session, path));
        if (holding === undefined) break;
        await hold(stage, opened.caller, path, holding);
      }
      await opened.close();
    }
  };
}

async function hold(stage: Stage, caller: Caller, lock: string, holding: Holding): Promise<void> {
  const acquired = nowUs();
  let until = acquired;
  const isHeld = (): boolean => {
    const nowHeld = !holding.signal.aborted;
    if (nowHeld) until = nowUs();
    return nowHeld;
  };
  for (let left = 1 + stage.random.below(WRITES_MAX); left > 0 && isHeld() && !stage.signal.aborted; left -= 1) {
    await fencedWrite(caller, `${stage.root}/guarded-${lock.slice(lock.lastIndexOf('-') + 1)}`, holding.token);
    await pause(stage);
  }
  isHeld();
  const released = tolerating(() => holding.release());
  caller.recorder.record({ kind: 'hold', client: caller.name, lock, token: place(holding.token), acquired, until });
  await released;
}

/** As `fencedSet` of the SDK, through recorded calls: refused when somebody newer has been there. */
async function fencedWrite(caller: Caller, path: string, token: bigint): Promise<void> {
  const seen = await caller.get(`${path}/token`);
  if (typeof seen.value !== 'string' || BigInt(seen.value) > token) return;
  const write = { kind: 'set', path, value: caller.uniqueValue() } as const;
  const fence = { kind: 'set', path: `${path}/token`, value: String(token), expected: seen.version } as const;
  await caller.transaction([write, fence], { token });
}
