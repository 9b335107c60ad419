export * from './core/zxid.js';
export * from './core/block.js';
export * from './core/server-id.js';
export type * from './core/messages.js';
export type * from './core/core-io.js';
export type * from './node/ports.js';
export { ConsensusNode } from './node/consensus-node.js';
export type { NodeStatus } from './node/node-status.js';
export type { ReadDone } from './node/read-queue.js';
export { ConsensusCore, type PeerProgress } from './core/consensus-core.js';
export { ConsensusFault } from './core/assert.js';
export {
  DEFAULT_LIMITS,
  DEFAULT_TIMING,
  type NodeLimits,
  type NodeOptions,
  type TimingOptions,
} from './node/options.js';
export type { Done, ProposalOutcome } from './node/pending-writes.js';
export { systemClock } from './node/system-clock.js';
export { joinOperations, splitOperations } from './node/payload.js';
