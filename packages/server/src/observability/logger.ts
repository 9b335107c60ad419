import pino from 'pino';
import { prettyStream } from './pretty-stream.js';

/** What goes with a log line: `event` names it, once and for all; the rest are its facts. Never a secret, never a client's data. */
export interface LogFields {
  readonly event: string;
  readonly [field: string]: unknown;
}

/**
 * Where a server's log lines go. A pino logger is one; an embedder may hand in its own. One line an event, named by `event`; the message
 * is the same in words.
 */
export interface Logger {
  debug(fields: LogFields, message?: string): void;
  info(fields: LogFields, message?: string): void;
  warn(fields: LogFields, message?: string): void;
  error(fields: LogFields, message?: string): void;
  fatal(fields: LogFields, message?: string): void;
  /** A logger that adds `bindings` to each of its lines. */
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** A logger, and what a program does before it exits: lines are written behind, so that a slow terminal or pipe never stops the event loop. */
export interface ProcessLogger {
  readonly logger: Logger;
  /** Writes out what is buffered, at once. */
  flush(): void;
}

/** Lines that wait for a slow reader of the log, in bytes. Beyond it lines are dropped: a log must not eat the server's memory. */
const LOG_BUFFERED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The logger of a server that is a process of its own: to standard output, as JSON, or for people (`pretty`; `auto` chooses that on a terminal).
 */
export function createProcessLogger(options: { level: LogLevel; format: LogFormat }): ProcessLogger {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY);
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err },
  };
  const destination = pino.destination({ dest: 1, sync: false, maxLength: LOG_BUFFERED_BYTES_MAX });
  // The reader of the log went away: that is no reason to stop serving.
  destination.on('error', () => undefined);
  const logger = pino(
    settings,
    pretty ? prettyStream((line) => destination.write(line), process.stdout.isTTY) : destination,
  );
  return {
    logger,
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Not open yet, or its reader is gone: there is nobody to tell.
      }
    },
  };
}

const nothing = (): void => undefined;

/** Says nothing. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLogger,
};
