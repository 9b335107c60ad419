import { isZklError, type Session } from '@zkl/client-sdk';
import { LeaderElection } from '@zkl/client-sdk/recipes/leader-election';
import { Lock } from '@zkl/client-sdk/recipes/lock';
import { textOf } from '../chronicle.js';
import type { WorldClient } from '../world-client.js';
import { makeCall, type Plan } from './call.js';
import { drawCall } from './calls-hand.js';
import { watchHand } from './watch-hand.js';

const FOLDER = '/e';
const SESSIONS_MAX = 6;
const CALLS_MAX = 30;

/** Opens sessions, one after the other, and does with each what sessions are for. */
export async function sessionHand(client: WorldClient): Promise<void> {
  const { settings } = client.around;
  for (let opened = 0; opened < SESSIONS_MAX && !client.stopping.signal.aborted; opened++) {
    const session = await open(client);
    if (session === undefined) continue;
    await useSession(client, session);
    await session.close();
    client.tell(`session 0x${session.id.toString(16)} is ${session.state}`);
    await client.sleep(client.random.below(2 * settings.thinkMs));
  }
}

async function open(client: WorldClient): Promise<Session | undefined> {
  try {
    const session = await client.client.session({ timeoutMs: client.around.settings.sessionTimeoutMs });
    client.noteSession(session);
    client.tell(`has session 0x${session.id.toString(16)}`);
    return session;
  } catch (error) {
    if (!isZklError(error)) throw error;
    await client.sleep(50);
    return undefined;
  }
}

/** Until it is over, or the program ends. */
async function useSession(client: WorldClient, session: Session): Promise<void> {
  const { settings } = client.around;
  const lane = `session ${session.id.toString(16)}`;
  if (settings.watches > 1) client.background(`watch of ${lane}`, () => watchHand(client, session, lane));
  const together = [callsOfSession(client, session, lane)];
  if (settings.locks) together.push(lockHand(client, session));
  if (settings.elections) together.push(electionHand(client, session));
  await Promise.all(together);
}

async function callsOfSession(client: WorldClient, session: Session, lane: string): Promise<void> {
  const { random } = client;
  const { settings } = client.around;
  const mine: string[] = [];
  const count = random.between(5, CALLS_MAX);
  for (let made = 0; made < count && !session.signal.aborted && !client.stopping.signal.aborted; made++) {
    await client.sleep(1 + random.below(2 * settings.thinkMs));
    if (random.chance(0.4)) await makeCall(client, ephemeralPlan(client, session, lane, mine));
    else if (random.chance(0.3) && mine.length > 0) await makeCall(client, releasePlan(client, session, lane, mine));
    else await makeCall(client, drawCall(client, session, lane));
  }
}

function ephemeralPlan(client: WorldClient, session: Session, lane: string, mine: string[]): Plan {
  const value = client.newValue();
  return {
    what: `create ${FOLDER}/e- ${value}, ephemeral`,
    request: { kind: 'create', path: `${FOLDER}/e-`, value, mode: 'ephemeralSequential', session: Number(session.id) },
    lane,
    consistency: 'write',
    values: [value],
    run: async () => {
      const { zxid, path, stat } = await session.create(`${FOLDER}/e-`, value, { mode: 'ephemeralSequential' });
      if (stat.ephemeralOwner !== session.id)
        throw new Error(`${path} belongs to ${stat.ephemeralOwner}, not to ${session.id}`);
      mine.push(path);
      return { zxid, effects: [{ type: 'created', path, value }], answer: { name: path } };
    },
  };
}

/** Deletes an own ephemeral, or looks whether it is there. */
function releasePlan(client: WorldClient, session: Session, lane: string, mine: string[]): Plan {
  if (client.random.chance(0.5)) {
    const path = mine.shift()!;
    const run = async () => {
      const { zxid } = await session.delete(path);
      return { zxid, effects: [{ type: 'deleted', path }] as const };
    };
    const request = { kind: 'delete', path, session: Number(session.id) };
    return { what: `delete ${path}`, request, lane, consistency: 'write', run };
  }
  const path = mine[0]!;
  const run = async () => {
    const { zxid, data, stat } = await session.get(path);
    const znode = { data: textOf(data), version: stat.version };
    const answer = { value: znode.data, version: znode.version };
    return { zxid, seen: [{ kind: 'znode', path, znode }] as const, answer };
  };
  return { what: `get ${path}`, request: { kind: 'get', path }, lane, consistency: 'linearizable', run };
}

/** Contends for the lock, holds it for a while, and gives it back. */
async function lockHand(client: WorldClient, session: Session): Promise<void> {
  const lock = new Lock(session, '/locks/a');
  await holdAgainAndAgain(client, session, '/locks/a', () => lock.acquire({ signal: client.stopping.signal }));
}

async function electionHand(client: WorldClient, session: Session): Promise<void> {
  const election = new LeaderElection(session, '/leaders/a');
  await holdAgainAndAgain(client, session, '/leaders/a', () => election.lead({ signal: client.stopping.signal }));
}

async function holdAgainAndAgain(
  client: WorldClient,
  session: Session,
  path: string,
  acquire: () => ReturnType<Lock['acquire']>,
): Promise<void> {
  const { settings } = client.around;
  const { stopping, process } = client;
  const { plantedBugs } = settings;
  // As if the holder were not told that its session is over.
  const outlives = plantedBugs.has('lock-outlives-its-session');
  for (let held = 0; held < 10 && !session.signal.aborted && !stopping.signal.aborted; held++) {
    try {
      const holding = await acquire();
      let isReleased = false;
      client.tell(`holds ${path} with 0x${holding.token.toString(16)}`);
      client.around.count('held');
      client.around.onHeld({
        client,
        path,
        token: Number(plantedBugs.has('token-does-not-grow') ? session.id : holding.token),
        sessionId: Number(session.id),
        isOver: () => isReleased || !process.isAlive || (!outlives && client.isSessionOver(session)),
      });
      if (!outlives) holding.signal.addEventListener('abort', () => (isReleased = true), { once: true });
      if (holding.signal.aborted) isReleased = true;
      await client.sleep(1 + client.random.below(3 * settings.thinkMs));
      isReleased = true;
      await holding.release();
      client.tell(`has released ${path}`);
    } catch (error) {
      // The program ends, or the session did. One that an operator ended may find its place gone before it hears of that.
      if (stopping.signal.aborted || session.signal.aborted || client.around.forced.has(Number(session.id))) return;
      if (!isZklError(error)) throw error;
    }
    await client.sleep(client.random.below(2 * settings.thinkMs));
  }
}
