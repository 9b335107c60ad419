import { compareZxid, endOf, endsAfter, formatZxid, ZXID_ZERO, type Block } from '@zkl/consensus';
import type { Checker, World } from '../checker.js';
import type { VirtualServer } from '../virtual-server.js';
import { Violation } from '../violation.js';

/** Acknowledged means durable: whenever a leader's commit position moves, the newest block that it covers is on the disks of a quorum. */
export function durableOnQuorum(world: World): Checker {
  const name = 'durable-on-quorum';
  let checked = ZXID_ZERO;
  const isDurableAt = (server: VirtualServer, block: Block): boolean =>
    server.disk.holds(block) || (world.formerDisks.get(server.id) ?? []).some((disk) => disk.holds(block));
  return {
    name,
    onCommitted: (server, zxid) => {
      if (compareZxid(zxid, checked) <= 0) return;
      const core = server.core!;
      const found = core.blocksAfter(checked, 1 << 30);
      const block = found.kind === 'blocks' ? found.blocks.findLast((each) => !endsAfter(each, zxid)) : undefined;
      checked = zxid;
      if (block === undefined) return;
      const holders = world.servers.filter((other) => isDurableAt(other, block)).map((other) => other.id);
      if (holders.length >= world.quorum) return;
      throw new Violation(
        name,
        `server ${server.id} commits ${formatZxid(endOf(block))}, which is durable at [${holders.join(' ')}] only`,
      );
    },
  };
}
