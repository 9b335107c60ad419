export { runSeed, type RunOptions, type RunResult } from './run-seed.js';
export { runMany, type RunManyOptions, type Totals } from './run-many.js';
export { runNodeSeed, type NodeRunResult, type RunNodeOptions } from './node-level/run-node-seed.js';
export { runManyNodes, type NodeTotals, type RunManyNodesOptions } from './node-level/run-many-nodes.js';
export { runWorldSeed, type RunWorldOptions, type WorldRunResult } from './world-level/run-world-seed.js';
export { runManyWorlds, type RunManyWorldsOptions, type WorldTotals } from './world-level/run-many-worlds.js';
export { checkHistory, type CheckOptions, type HistoryReport } from './history/check-history.js';
export { describeRecord } from './history/describe.js';
export type { HistoryFault, HistoryProperty } from './history/fault.js';
export { formatHistory, parseHistory, parseRecord } from './history/json-lines.js';
export {
  formatPlace,
  isAnswered,
  isCall,
  isLinearizable,
  isRead,
  isUnknown,
  isWrite,
  type Call,
  type ChangeType,
  type ChildEntry,
  type ChildrenItem,
  type Compare,
  type Consistency,
  type CreateAnswer,
  type CreateMode,
  type CreateRequest,
  type DigestRecord,
  type HistoryRecord,
  type HoldRecord,
  type ReadCall,
  type ReadItem,
  type RemoveRequest,
  type Seen,
  type SessionRecord,
  type SetRequest,
  type SnapshotNode,
  type Step,
  type StepResult,
  type TransactionCall,
  type Value,
  type WatchedChange,
  type WatchRecord,
  type WriteCall,
} from './history/record.js';
export { drawSettings, type DrawOptions, type Settings } from './swarm.js';
export { PLANTED_BUGS, type PlantedBug } from './planted-bugs.js';
export { PLANTED_NODE_BUGS } from './node-level/planted-node-bugs.js';
export { Random } from './random.js';
export { Violation } from './violation.js';
