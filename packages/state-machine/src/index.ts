export { StateMachineFault } from './assert.js';
export type { Change } from './changes.js';
export type { CommittedBlock } from './committed-block.js';
export {
  DEFAULT_LIMITS,
  PAGE_BYTES_DEFAULT,
  PAGE_CHILDREN_DEFAULT,
  PAGE_CHILDREN_MAX,
  REGISTER_PARENT_PATH,
  REGISTER_PATH,
  type StateLimits,
} from './limits.js';
export type {
  ChildEntry,
  ChildrenAnswer,
  ChildrenOptions,
  ExistsAnswer,
  NodeAnswer,
  ReadError,
  RegisterAnswer,
} from './reads.js';
export { SnapshotDamagedError } from './snapshot-format.js';
export { ZnodeStateMachine, type ZnodeStateMachineOptions } from './znode-state-machine.js';
export {
  CLIENT_ID_CHARS_MAX,
  decodeCommand,
  decodeResult,
  encodeCommand,
  encodeResult,
  ERROR_CODE_NAMES,
  ERROR_CODES,
  isValidPath,
  isValidWriteId,
  REQUEST_ID_MAX,
  type Command,
  type CreateCommand,
  type CreatedResult,
  type DecodedCommand,
  type DeleteCommand,
  type DeletedResult,
  type ErrorCode,
  type ErrorCodeEntry,
  type ErrorOutcome,
  type ErrorResult,
  type GuessedResult,
  type RegisterGuessCommand,
  type RegisterWriteCommand,
  type RegisterWrittenResult,
  type Result,
  type SetCommand,
  type SetResult,
  type Stat,
  type WriteId,
  type Zxid,
} from '@zkl/wire';
