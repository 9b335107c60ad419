import type { ServerId } from '@zkl/consensus';
import type { Checker } from '../checker.js';
import { Violation } from '../violation.js';
import { isServingLeader } from '../workload.js';

/** At most one server ever leads an epoch, in all runs of all servers together. */
export function oneLeaderPerEpoch(): Checker {
  const name = 'one-leader-per-epoch';
  const leaders = new Map<number, ServerId>();
  const note = (epoch: number, id: ServerId): void => {
    const known = leaders.get(epoch);
    if (known === undefined) leaders.set(epoch, id);
    else if (known !== id) throw new Violation(name, `epoch ${epoch} is led by ${known} and by ${id}`);
  };
  return {
    name,
    onStatus: (server, status) => {
      if (isServingLeader(status)) note(status.epoch, server.id);
      else if (status.serving && status.leader !== undefined) note(status.epoch, status.leader);
    },
    onProposed: (server, block) => {
      note(block.epoch, server.id);
      if (block.leader !== server.id) throw new Violation(name, `server ${server.id} signs as ${block.leader}`);
    },
  };
}
