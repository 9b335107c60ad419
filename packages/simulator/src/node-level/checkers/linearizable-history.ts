import { checkHistory } from '../../history/check-history.js';
import type { NodeCheckerFactory } from '../node-checker.js';

/** The whole history, as the clients saw it, fits into one order. */
export const linearizableHistory: NodeCheckerFactory = (world) => ({
  onHealed: () => {
    const { faults, replayUndecided } = checkHistory(world.history);
    const [fault] = faults;
    world.count('historyJudged');
    if (replayUndecided > 0) world.count('historyUndecided');
    if (fault !== undefined) world.violate(`history-${fault.property}`, fault.message);
  },
});
