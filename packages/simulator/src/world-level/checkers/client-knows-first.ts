import { showZxid, type WorldChecker, type WorldView } from '../world-checker.js';

/** When a session expires its client knows already, or will when it looks: it gave it up first, by its own clock. */
export function clientKnowsFirst(world: WorldView): WorldChecker {
  return {
    onSessionEnded: ({ id }) => {
      const session = world.sessions.get(id);
      if (session === undefined || world.forced.has(id) || session.isOver()) return;
      world.violate(
        'client-knows-first',
        `session ${showZxid(id)} is over, and ${session.client.name} takes it for open`,
      );
    },
  };
}
