import { endOf, formatZxid } from '@zkl/consensus';
import type { NodeCheckerFactory } from '../node-checker.js';
import { sameResults } from '../node-ledger.js';

/** What any server applies is the one history, block for block, with the same results and the same digest of the state; and so is what it restores. */
export const oneHistory: NodeCheckerFactory = (world) => ({
  onApplied: (server, block, results, digest, isNew) => {
    if (isNew) return;
    const end = formatZxid(endOf(block));
    const known = world.ledger.at(endOf(block));
    if (known === undefined) {
      const last = formatZxid(world.ledger.lastZxid);
      return world.violate('one-history', `server ${server.id} applied ${end}, and the history ends at ${last}`);
    }
    if (known.digest !== digest) world.violate('one-history', `server ${server.id} has another state at ${end}`);
    else if (!sameResults(known.results, results))
      world.violate('one-history', `server ${server.id} has other results at ${end}`);
  },
  onRestored: (server, zxid, digest) => {
    const known = world.ledger.at(zxid);
    if (zxid.counter === 0 || known?.digest === digest) return;
    world.violate('one-history', `server ${server.id} restored a state at ${formatZxid(zxid)} that never was`);
  },
});
