import { showZxid, type WorldChecker, type WorldView } from '../world-checker.js';

/** When all has settled: a session whose client is gone is gone, one whose client takes it for open is open. */
export function sessionsEndInTime(world: WorldView): WorldChecker {
  const { chronicle } = world;
  return {
    onHealed: () => {
      for (const session of chronicle.sessions.values()) {
        const own = world.sessions.get(session.id);
        const isOpen = session.endedAt === undefined;
        // Nobody knows of it: the answer to its opening was lost, or its client died.
        if (own === undefined || own.isOver()) {
          if (isOpen)
            world.violate('sessions-end-in-time', `session ${showZxid(session.id)} lives on without its client`);
        } else if (!isOpen && !world.forced.has(session.id))
          world.violate(
            'sessions-end-in-time',
            `session ${showZxid(session.id)} is gone, and ${own.client.name} takes it for open`,
          );
      }
    },
  };
}
