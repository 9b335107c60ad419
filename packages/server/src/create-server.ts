import { createProcessLogger, silentLogger, type Logger } from './observability/logger.js';
import type { ServerOptionsInput } from './options/define-options.js';
import { resolveOptions } from './options/resolve-options.js';
import { ZklServer } from './zkl-server.js';

/** Options of `createServer`. docs/operating.md has the table. */
export interface CreateServerOptions extends ServerOptionsInput {
  /** Where log lines go: a pino logger, or one of your own. `false` silences them. Default: JSON lines on standard output. */
  readonly logger?: Logger | false | undefined;
}

/**
 * Starts a server in this process. Resolves when its log is recovered and it listens; `server.ready` tells when it serves. Several may run in one
 * process: nothing is shared, and nothing here ends the process.
 *
 * ```ts
 * await using server = await createServer({ dataFolder: './data', port: 0, logger: false });
 * await server.ready;
 * console.log(server.address.port);
 * ```
 *
 * Rejects with a ServerError, nothing left running: CONFIGURATION (an OptionError that names every option that is wrong), PORT_IN_USE,
 * ADDRESS_NOT_AVAILABLE, DATA_FOLDER_IN_USE, DATA_FOLDER_FOREIGN, DATA_FOLDER_UNUSABLE, DISK, DAMAGE.
 */
export async function createServer(options: CreateServerOptions): Promise<ZklServer> {
  const { logger, ...input } = options;
  const resolved = resolveOptions(input);
  return ZklServer.start(resolved, logger === false ? silentLogger : (logger ?? processLogger(resolved)));
}

function processLogger(options: {
  logLevel: Parameters<typeof createProcessLogger>[0]['level'];
  logFormat: Parameters<typeof createProcessLogger>[0]['format'];
}): Logger {
  return createProcessLogger({ level: options.logLevel, format: options.logFormat }).logger;
}
