import { compareZxid, formatZxid, type Zxid } from '@zkl/consensus';
import type { Checker } from '../checker.js';
import { Violation } from '../violation.js';

/**
 * A server's disk says that it adopted an epoch only once the whole history that the epoch starts from is on it (ZOOKEEPER-4643): else a poorer server
 * would win the next election by its epoch.
 */
export function epochAfterHistory(): Checker {
  const name = 'epoch-after-history';
  const histories = new Map<number, Zxid>();
  return {
    name,
    onTurn: ({ core }) => {
      const { status, currentEpoch, last } = core!;
      if (status.role === 'leading' && !histories.has(currentEpoch)) histories.set(currentEpoch, last);
    },
    onHardState: (server, _, current) => {
      const history = histories.get(current);
      if (current === server.disk.current || history === undefined || compareZxid(server.disk.last, history) >= 0)
        return;
      throw new Violation(
        name,
        `the disk of ${server.id} adopts epoch ${current} at ${formatZxid(server.disk.last)}, before ${formatZxid(history)}`,
      );
    },
  };
}
