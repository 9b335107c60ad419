export { StateMachineFault } from './assert.js';
export type { Change } from './changes.js';
export { decodeCommand, encodeCommand, isValidWriteId, type DecodedCommand } from './command-codec.js';
export type {
  Command,
  CreateCommand,
  DeleteCommand,
  RegisterGuessCommand,
  RegisterWriteCommand,
  SetCommand,
  WriteId,
} from './commands.js';
export type { CommittedBlock } from './committed-block.js';
export {
  ERROR_CODES,
  ERROR_CODE_NAMES,
  type ErrorCode,
  type ErrorCodeEntry,
  type ErrorOutcome,
} from './error-codes.js';
export {
  CLIENT_ID_CHARS_MAX,
  DEFAULT_LIMITS,
  PAGE_BYTES_DEFAULT,
  PAGE_CHILDREN_DEFAULT,
  PAGE_CHILDREN_MAX,
  REGISTER_PARENT_PATH,
  REGISTER_PATH,
  REQUEST_ID_MAX,
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
export { isValidPath } from './paths.js';
export { decodeResult, encodeResult } from './result-codec.js';
export type {
  CreatedResult,
  DeletedResult,
  ErrorResult,
  GuessedResult,
  RegisterWrittenResult,
  Result,
  SetResult,
} from './results.js';
export { SnapshotDamagedError } from './snapshot-format.js';
export type { Stat, Zxid } from './stat.js';
export { ZnodeStateMachine, type ZnodeStateMachineOptions } from './znode-state-machine.js';
