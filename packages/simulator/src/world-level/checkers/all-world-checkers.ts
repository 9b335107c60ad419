import type { WorldCheckerFactory } from '../world-checker.js';
import { equalReplicas } from './equal-replicas.js';

/** Every property that a world must have. */
export const ALL_WORLD_CHECKERS: readonly WorldCheckerFactory[] = [equalReplicas];
