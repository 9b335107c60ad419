import { silentLogger } from '../observability/logger.js';
import type { CreateServerOptions } from '../create-server.js';
import { resolveOptions } from '../options/resolve-options.js';
import type { Surroundings } from '../surroundings.js';
import { ZklServer } from '../zkl-server.js';

export type { CreateServerOptions } from '../create-server.js';
export { refusalOf, type CallAnswer, type CallDoor } from '../lane/call-door.js';
export type { LaneStream, LaneStreamEvents } from '../lane/lane-stream.js';
export type { ServerOptions } from '../options/resolve-options.js';
export type { OtherListener } from '../port/one-port.js';
export type { ServerStatus } from '../services/cluster-service.js';
export type { Surroundings } from '../surroundings.js';
export type { ZklServer } from '../zkl-server.js';

/**
 * As `createServer`, in surroundings that are not the machine's: what @zkl/testing is built on. It promises less than the rest of the package: its
 * shape may change with any version. Logs nothing unless it is given a logger.
 */
export async function createServerIn(surroundings: Surroundings, options: CreateServerOptions): Promise<ZklServer> {
  const { logger, ...input } = options;
  const chosen = logger === undefined || logger === false ? silentLogger : logger;
  const settled = resolveOptions(input);
  return ZklServer.start(surroundings.settle?.(settled) ?? settled, chosen, surroundings);
}
