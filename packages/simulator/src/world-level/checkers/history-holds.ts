import { checkHistory } from '../../history/check-history.js';
import type { WorldChecker, WorldView } from '../world-checker.js';

/** What the search for an order may cost: the other checkers know the one history, and need no search. */
const SEARCH_WORK_MAX = 200_000;

/**
 * What clients knew of their sessions is not in these histories, and so the ends of ephemerals are not explained by them: `client-knows-first` and
 * `watches-are-slices` hold both against the one history, as `answers-are-history` holds the order of the zxids.
 */
const KNOWN_BETTER: ReadonlySet<string> = new Set(['session', 'watch-slice']);

/** What all clients saw fits into one order: judged without a look at what the world knows, but for the ends of sessions. */
export function historyHolds(world: WorldView): WorldChecker {
  return {
    onHealed: () => {
      const records = world.history.records(world.chronicle);
      const { faults, replayUndecided } = checkHistory(records, { searchWorkMax: SEARCH_WORK_MAX });
      world.count('historyJudged');
      if (replayUndecided > 0) world.count('historyUndecided');
      const fault = faults.find(({ property }) => !KNOWN_BETTER.has(property));
      if (fault !== undefined) world.violate(`history-${fault.property}`, fault.message);
    },
  };
}
