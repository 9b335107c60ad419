import { checkHistory } from '../../history/check-history.js';
import type { NodeCheckerFactory } from '../node-checker.js';

/** The whole history, as the clients saw it, fits into one order. */
export const linearizableHistory: NodeCheckerFactory = (world) => ({
  onHealed: () => {
    const [fault] = checkHistory(world.history).faults;
    if (fault !== undefined) world.violate(`history-${fault.property}`, fault.message);
  },
});
