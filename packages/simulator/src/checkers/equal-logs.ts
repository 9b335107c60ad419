import { endOf, formatZxid } from '@zkl/consensus';
import type { Checker, World } from '../checker.js';
import { Violation } from '../violation.js';

/** When all is healed and nothing is under way, every disk holds the one history, block for block, and nothing else. */
export function equalLogs(world: World): Checker {
  const name = 'equal-logs';
  return {
    name,
    onHealed: () => {
      const { ledger } = world;
      for (const { id, disk, machine } of world.servers) {
        if (machine.position !== ledger.length)
          throw new Violation(name, `server ${id} applied ${machine.position} of ${ledger.length} blocks`);
        for (const block of disk.blocks) {
          if (!ledger.has(block))
            throw new Violation(
              name,
              `the log of ${id} holds ${formatZxid(endOf(block))}, which is no part of the history`,
            );
        }
      }
    },
  };
}
