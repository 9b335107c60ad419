export { createServer, type CreateServerOptions } from './create-server.js';
export { EXIT_CODES, ServerError, type ServerErrorCode } from './errors/server-error.js';
export {
  createProcessLogger,
  silentLogger,
  type LogFields,
  type LogFormat,
  type Logger,
  type LogLevel,
  type ProcessLogger,
} from './observability/logger.js';
export type { ServerOptionsInput } from './options/define-options.js';
export { describeOptions, type OptionDescription } from './options/describe-options.js';
export { loadOptions, type LoadedOptions, type OptionSources } from './options/load-options.js';
export { formatAddress, parseAddress, parseMembers, type MemberAddress, type Members } from './options/members.js';
export { OptionError, type OptionProblem } from './options/option-error.js';
export { resolveOptions, type ServerOptions } from './options/resolve-options.js';
export type { PeerView, ServerStatus } from './services/cluster-service.js';
export type { DigestPoint } from './state/digest-ring.js';
export { addReflection } from './services/reflection/reflection-service.js';
export { VERSION } from './version.js';
export { type StopOptions, ZklServer } from './zkl-server.js';
