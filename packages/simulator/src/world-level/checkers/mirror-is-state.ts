import { showZxid, type WorldChecker, type WorldView } from '../world-checker.js';

/** A mirror is the whole state of its subtree at its zxid, after each of its steps. */
export function mirrorIsState(world: WorldView): WorldChecker {
  return {
    onMirror: (client, path, zxid, znodes) => {
      const expected = world.chronicle.allAt({ path, scope: 'subtree', types: [] }, zxid);
      const differs = [...expected].find(([name, { data }]) => znodes.get(name) !== data);
      const extra = [...znodes.keys()].find((name) => !expected.has(name));
      if (differs === undefined && extra === undefined) return;
      const words =
        differs === undefined
          ? `${extra} is there`
          : `${differs[0]} is ${znodes.get(differs[0])}, not ${differs[1].data}`;
      world.violate('mirror-is-state', `${client.name}'s mirror of ${path} at ${showZxid(zxid)}: ${words}`);
    },
  };
}
