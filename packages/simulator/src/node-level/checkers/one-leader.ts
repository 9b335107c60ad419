import type { ServerId } from '@zkl/consensus';
import type { NodeCheckerFactory } from '../node-checker.js';

/** At most one server ever serves as the leader of an epoch. */
export const oneLeader: NodeCheckerFactory = (world) => {
  const leaders = new Map<number, ServerId>();
  return {
    onStatus: (server) => {
      const status = server.run?.node.status;
      if (status?.role !== 'leading' || !status.serving) return;
      const other = leaders.get(status.epoch) ?? server.id;
      leaders.set(status.epoch, other);
      if (other !== server.id)
        world.violate('one-leader', `servers ${other} and ${server.id} lead epoch ${status.epoch}`);
    },
  };
};
