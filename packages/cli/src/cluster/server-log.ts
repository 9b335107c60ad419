import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** One line of a server's log. */
export interface LogLine {
  /** As it stands in the file. */
  readonly text: string;
  /** pino's number: 30 info, 40 warn, 50 error, 60 fatal; undefined when the line is no JSON object. */
  readonly level: number | undefined;
  readonly event: string | undefined;
  readonly message: string | undefined;
  /** All its fields. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Bytes that are read from the end of a log at most. */
const TAIL_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The last `count` lines of a log; all within its last 4 MiB. A log that is not there has none.
 *
 * @param fromByte - Leaves out what stands before this position: the size of the file at an earlier moment.
 */
export async function readLogTail(path: string, count: number, fromByte = 0): Promise<LogLine[]> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(fromByte, size - TAIL_BYTES_MAX, 0);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    const lines = buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .slice(start > fromByte ? 1 : 0);
    return lines
      .filter((line) => line !== '')
      .slice(-count)
      .map(parseLogLine);
  } finally {
    await file.close();
  }
}

/** How often a log is looked at for what was appended. */
const FOLLOW_INTERVAL_MS = 200;

/** What is appended to a log after `fromByte`, as it comes, until the signal is aborted; it ends then, and does not throw. */
export async function* followLog(
  path: string,
  fromByte: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(64 * 1024);
    for (let position = fromByte; !signal.aborted;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      position += bytesRead;
      if (bytesRead > 0) yield Uint8Array.from(buffer.subarray(0, bytesRead));
      else await delay(FOLLOW_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}

/** Takes one line apart. A line that is no JSON object has its text and nothing else. */
export function parseLogLine(text: string): LogLine {
  const fields = parseObject(text);
  const { level, event, msg } = fields;
  return {
    text,
    level: typeof level === 'number' ? level : levels.get(level),
    event: typeof event === 'string' ? event : undefined,
    message: typeof msg === 'string' ? msg : undefined,
    fields,
  };
}

const levels: ReadonlyMap<unknown, number> = new Map(
  Object.entries({ trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }),
);

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
