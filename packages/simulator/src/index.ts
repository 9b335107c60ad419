export { runSeed, type RunOptions, type RunResult } from './run-seed.js';
export { runMany, type RunManyOptions, type Totals } from './run-many.js';
export { drawSettings, type DrawOptions, type Settings } from './swarm.js';
export { PLANTED_BUGS, type PlantedBug } from './planted-bugs.js';
export { Random } from './random.js';
export { Violation } from './violation.js';
