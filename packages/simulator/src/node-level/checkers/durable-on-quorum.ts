import { endOf, formatZxid } from '@zkl/consensus';
import type { NodeCheckerFactory } from '../node-checker.js';

/** When a block is applied for the first time, it is on the disks of a quorum, as far as their stores have said. */
export const durableOnQuorum: NodeCheckerFactory = (world) => ({
  onApplied: (server, block, _results, _digest, isNew) => {
    if (!isNew) return;
    const holders = world.servers.filter(({ durable }) => durable.holds(endOf(block))).map(({ id }) => id);
    if (holders.length >= world.quorum) return;
    const where = holders.length === 0 ? 'nowhere' : `on ${holders.join(', ')} only`;
    world.violate(
      'durable-on-quorum',
      `server ${server.id} applied ${formatZxid(endOf(block))}, which is durable ${where}`,
    );
  },
});
