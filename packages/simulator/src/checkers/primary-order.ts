import { endOf, follows, formatZxid, ZXID_ZERO } from '@zkl/consensus';
import type { Checker, World } from '../checker.js';
import { Violation } from '../violation.js';

/**
 * Local primary order: what one leader proposed is applied in the order of its proposals, without a gap. Global primary order: what an
 * earlier epoch's leader proposed comes before what a later one's did.
 */
export function primaryOrder(world: World): Checker {
  const name = 'primary-order';
  return {
    name,
    onApply: (server, block, position) => {
      const before = position === 1 ? undefined : world.ledger.blocks[position - 2];
      const end = before === undefined ? ZXID_ZERO : endOf(before);
      const isNext = block.epoch === end.epoch ? block.firstCounter === end.counter + 1 : block.firstCounter === 1;
      if (follows(block, end) && block.epoch >= end.epoch && isNext) return;
      throw new Violation(name, `server ${server.id} applies ${formatZxid(endOf(block))} after ${formatZxid(end)}`);
    },
  };
}
