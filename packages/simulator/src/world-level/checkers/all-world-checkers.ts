import type { WorldCheckerFactory } from '../world-checker.js';
import { answersAreHistory } from './answers-are-history.js';
import { clientKnowsFirst } from './client-knows-first.js';
import { clientOrder } from './client-order.js';
import { ephemeralsLiveWithSessions } from './ephemerals-live-with-sessions.js';
import { equalReplicas } from './equal-replicas.js';
import { eventsComeFirst } from './events-come-first.js';
import { exactlyOnce } from './exactly-once.js';
import { historyHolds } from './history-holds.js';
import { mirrorIsState } from './mirror-is-state.js';
import { oneHolder } from './one-holder.js';
import { realTimeOrder } from './real-time-order.js';
import { sessionsEndInTime } from './sessions-end-in-time.js';
import { watchesAreSlices } from './watches-are-slices.js';

/** Every property that a world must have. */
export const ALL_WORLD_CHECKERS: readonly WorldCheckerFactory[] = [
  equalReplicas,
  answersAreHistory,
  exactlyOnce,
  realTimeOrder,
  clientOrder,
  watchesAreSlices,
  eventsComeFirst,
  ephemeralsLiveWithSessions,
  clientKnowsFirst,
  sessionsEndInTime,
  oneHolder,
  mirrorIsState,
  historyHolds,
];
