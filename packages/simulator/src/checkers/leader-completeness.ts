import { compareZxid, endOf, formatZxid, ZXID_ZERO } from '@zkl/consensus';
import type { Checker, World } from '../checker.js';
import { Violation } from '../violation.js';
import { isServingLeader } from '../workload.js';

/**
 * Primary integrity, and no acknowledged write is ever lost: a leader that begins to serve has all that was ever applied anywhere, and
 * what was acknowledged to anyone; and when all is healed, so have all servers.
 */
export function leaderCompleteness(world: World): Checker {
  const name = 'leader-completeness';
  let acknowledged = ZXID_ZERO;
  return {
    name,
    onCommitted: (server, zxid) => {
      const { status } = server.core!;
      if (isServingLeader(status) && compareZxid(zxid, acknowledged) > 0) acknowledged = zxid;
    },
    onStatus: (server, status) => {
      if (!isServingLeader(status)) return;
      const { committed } = server.core!;
      // A leader of an epoch that is already over may still come to serve; it can commit nothing.
      if (acknowledged.epoch > status.epoch) return;
      if (compareZxid(committed, acknowledged) < 0) {
        throw new Violation(
          name,
          `server ${server.id} leads epoch ${status.epoch} from ${formatZxid(committed)}; acknowledged was ${formatZxid(acknowledged)}`,
        );
      }
    },
    onHealed: () => {
      const { last } = world.ledger;
      const end = last === undefined ? ZXID_ZERO : endOf(last);
      if (compareZxid(end, acknowledged) < 0)
        throw new Violation(name, `acknowledged ${formatZxid(acknowledged)}, kept ${formatZxid(end)}`);
    },
  };
}
