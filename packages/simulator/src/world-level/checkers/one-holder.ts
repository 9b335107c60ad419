import { showZxid, type HoldRecord, type WorldChecker, type WorldView } from '../world-checker.js';

/** A lock has at most one holder whose signal has not fired, or would when it looks; and each holder's token is above all before it. */
export function oneHolder(world: WorldView): WorldChecker {
  const holds = new Map<string, HoldRecord[]>();
  return {
    onHeld: (hold) => {
      // It was taken, and over before its taker could look: no hold at all.
      if (hold.isOver() || world.forced.has(hold.sessionId)) return;
      const before = holds.get(hold.path) ?? [];
      for (const other of before) {
        if (other.token >= hold.token) {
          const tokens = `${showZxid(hold.token)} after ${showZxid(other.token)} of ${other.client.name}`;
          world.violate('one-holder', `${hold.client.name} holds ${hold.path} with token ${tokens}`);
        }
        if (!other.isOver() && !world.forced.has(other.sessionId))
          world.violate('one-holder', `${hold.client.name} holds ${hold.path}, and so does ${other.client.name}`);
      }
      holds.set(hold.path, [...before, hold]);
    },
  };
}
