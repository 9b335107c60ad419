import type { Chronicle } from './chronicle.js';
import { UNITS_PER_MS } from '../node-level/node-settings.js';
import type { Machine } from './virtual-process.js';
import type { WorldServer } from './world-server.js';

const LOOK_EVERY_MS = 20;

/**
 * Bugs of the leader's part of sessions, planted beside it: it ends sessions by its own door for operators. `session-timeout-never-renewed`: what was touched
 * expires as if it had not been. `new-leader-grants-no-timeout`: a leader counts what it never heard against sessions that the one before it kept.
 */
export function plantInLeader(
  bugs: ReadonlySet<string>,
  machine: Machine,
  servers: readonly WorldServer[],
  chronicle: Chronicle,
): void {
  const neverRenews = bugs.has('session-timeout-never-renewed');
  const grantsNothing = bugs.has('new-leader-grants-no-timeout');
  if (!neverRenews && !grantsNothing) return;
  const openedAt = new Map<number, number>();
  let epoch = 0;
  const look = (): void => {
    const leader = servers.find(({ isLeading }) => isLeading);
    const isNew = leader !== undefined && leader.status!.epoch !== epoch;
    for (const { id, timeoutMs, endedAt } of chronicle.sessions.values()) {
      if (!openedAt.has(id)) openedAt.set(id, machine.queue.now);
      if (endedAt !== undefined || leader === undefined) continue;
      const isOld = machine.queue.now - openedAt.get(id)! > timeoutMs * UNITS_PER_MS;
      if ((neverRenews && isOld) || (grantsNothing && isNew && epoch !== 0)) leader.expireSession(BigInt(id));
    }
    epoch = leader?.status?.epoch ?? epoch;
    machine.after(LOOK_EVERY_MS * UNITS_PER_MS, look);
  };
  machine.after(0, look);
}
