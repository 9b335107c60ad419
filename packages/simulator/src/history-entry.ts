/** Histories alone: for who records and checks them without simulating anything. */
export { checkHistory, type CheckOptions, type HistoryReport } from './history/check-history.js';
export { describeRecord } from './history/describe.js';
export { parseHistory } from './history/json-lines.js';
export {
  formatPlace,
  isCall,
  isWrite,
  type Call,
  type ChildrenItem,
  type Consistency,
  type CreateMode,
  type HistoryRecord,
  type ReadCall,
  type ReadItem,
  type Seen,
  type Step,
  type StepResult,
  type Value,
  type WatchedChange,
  type WriteCall,
} from './history/record.js';
