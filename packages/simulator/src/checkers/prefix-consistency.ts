import { endOf, formatZxid } from '@zkl/consensus';
import type { Checker, World } from '../checker.js';
import { Violation } from '../violation.js';

/**
 * Agreement and total order: of what any two servers have applied, one is a prefix of the other; and a snapshot stands for exactly the prefix
 * that it says.
 */
export function prefixConsistency(world: World): Checker {
  const name = 'prefix-consistency';
  return {
    name,
    onApply: (server, block, position) => {
      const known = world.ledger.blocks[position - 1];
      if (known === undefined || known === block) return;
      const [there, here] = [formatZxid(endOf(known)), formatZxid(endOf(block))];
      throw new Violation(
        name,
        `block ${position} of the history is ${there}, and server ${server.id} applies ${here} of leader ${block.leader}`,
      );
    },
    onRestored: (server, zxid, position) => {
      const known = world.ledger.positionOf(zxid);
      if (known === position) return;
      throw new Violation(
        name,
        `server ${server.id} restores block ${position} at ${formatZxid(zxid)}, which is ${known ?? 'unknown'}`,
      );
    },
  };
}
