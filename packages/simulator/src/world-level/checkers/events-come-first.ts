import { showZxid, type WatchRecord, type WorldChecker, type WorldView } from '../world-checker.js';

/** On one stream nobody sees new data before its event: when a call is answered at a zxid, every change up to it has been told by the watches beside it. */
export function eventsComeFirst(world: WorldView): WorldChecker {
  const byLane = new Map<string, WatchRecord[]>();
  return {
    onStep: (watch) => {
      const key = `${watch.client.name} ${watch.lane}`;
      const watches = byLane.get(key) ?? [];
      if (!watches.includes(watch)) byLane.set(key, [...watches, watch]);
    },
    onCall: (call) => {
      if (call.outcome !== 'done' || call.client.isUnary) return;
      const { zxid = 0, client, what } = call;
      const standing = (byLane.get(`${client.name} ${call.lane}`) ?? []).filter(({ isOver }) => !isOver);
      if (standing.length === 0) return;
      // Whoever consumes a watch does so in a callback of the same event.
      world.soon(() => {
        for (const watch of standing) {
          if (watch.isOver || watch.told === undefined) continue;
          const [late] = world.chronicle.between(watch, watch.told, zxid);
          if (late === undefined) continue;
          const told = `${watch.name} (${watch.scope} ${watch.path}) was told up to ${showZxid(watch.told)}, and not ${late.type} ${late.path} at ${showZxid(late.zxid)}`;
          world.violate('events-come-first', `${client.name} saw "${what}" at ${showZxid(zxid)} when ${told}`);
        }
      });
    },
  };
}
