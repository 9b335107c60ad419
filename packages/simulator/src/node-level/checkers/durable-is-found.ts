import { compareZxid, formatZxid } from '@zkl/consensus';
import type { NodeCheckerFactory } from '../node-checker.js';

/** What a store has said to be durable, log and promises, is found at the next start, unless the disk was tampered with: and then it is damage, or is whole. */
export const durableIsFound: NodeCheckerFactory = (world) => ({
  onOpened: (server, { lastZxid, hardState, damage }) => {
    const { durable, harmedInRun } = server;
    if (damage !== undefined || (harmedInRun !== undefined && hardState.acceptedEpoch === 0)) return;
    const floor = durable.floor ?? durable.last;
    if (compareZxid(lastZxid, floor) < 0) {
      const message = `server ${server.id} finds its log up to ${formatZxid(lastZxid)}, and ${formatZxid(floor)} was durable`;
      world.violate('durable-is-found', message);
    }
    const { acceptedEpoch, currentEpoch } = durable.hardState;
    if (hardState.acceptedEpoch >= acceptedEpoch && hardState.currentEpoch >= currentEpoch) return;
    const found = `accepted ${hardState.acceptedEpoch}, current ${hardState.currentEpoch}`;
    world.violate(
      'durable-is-found',
      `server ${server.id} finds ${found}; ${acceptedEpoch} and ${currentEpoch} were durable`,
    );
  },
});
