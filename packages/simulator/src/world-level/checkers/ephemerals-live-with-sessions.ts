import { showZxid, type WorldChecker, type WorldView } from '../world-checker.js';

/** An ephemeral is made by an open session, and goes with it, in the same zxid: none outlives it, and none goes of itself. */
export function ephemeralsLiveWithSessions(world: WorldView): WorldChecker {
  const { chronicle } = world;
  const owners = new Map<string, number>();
  let seen = 0;
  const fail = (why: string): void => world.violate('ephemerals-live-with-sessions', why);
  return {
    onApplied: () => {
      for (; seen < chronicle.changes.length; seen++) {
        const { type, path, owner, zxid } = chronicle.changes[seen]!;
        if (owner === 0) continue;
        if (type === 'deleted') owners.delete(path);
        else owners.set(path, owner);
        const session = chronicle.sessions.get(owner);
        if (type === 'created' && (session === undefined || (session.endedAt ?? Infinity) < zxid))
          fail(`${path} was made at ${showZxid(zxid)} by session ${showZxid(owner)}, which is not open`);
      }
      for (const [path, owner] of owners) {
        if (chronicle.sessions.get(owner)?.endedAt !== undefined)
          fail(`${path} outlives its session ${showZxid(owner)}, at ${showZxid(chronicle.last)}`);
      }
    },
  };
}
