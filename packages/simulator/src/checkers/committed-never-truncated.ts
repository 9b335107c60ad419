import { endOf, formatZxid } from '@zkl/consensus';
import type { Checker, World } from '../checker.js';
import { Violation } from '../violation.js';

/** What anybody has applied is cut off no log. */
export function committedNeverTruncated(world: World): Checker {
  const name = 'committed-never-truncated';
  return {
    name,
    onTruncated: (server, removed) => {
      if (!world.ledger.has(removed)) return;
      throw new Violation(name, `server ${server.id} cuts off ${formatZxid(endOf(removed))}, which is committed`);
    },
  };
}
