import { stat } from 'node:fs/promises';
import { ClusterError } from './errors.js';
import { type LogLine, readLogTail } from './server-log.js';
import type { ProcessEnd } from './server-process.js';

/** What the exit codes of `zkl-server` mean. */
const meanings: Readonly<Record<number, string>> = {
  0: 'it was asked to stop',
  2: 'its configuration, its port or its data folder cannot be used',
  3: 'its disk failed',
  4: 'its data is damaged and no other server could repair it',
};

/** Lines of the log that go into the message. */
const LINES_SHOWN = 3;

/** Says why a server ended: its exit code in words, and the last of what it logged as an error. */
export async function describeExit(
  id: number,
  end: ProcessEnd,
  logFile: string,
  logStart: number,
): Promise<ClusterError> {
  const how = end.signal ? `was ended by ${end.signal}` : `ended with code ${end.code}`;
  const why = end.code === null ? undefined : meanings[end.code];
  const lines = await readLogTail(logFile, 200, logStart);
  const said = reasonsIn(lines).slice(-LINES_SHOWN);
  const inUse = lines.some(({ text }) => /PORT_IN_USE|EADDRINUSE/.test(text));
  return new ClusterError(
    inUse ? 'PORT_IN_USE' : 'SERVER_EXITED',
    [`server ${id} ${how}${why ? `: ${why}` : ''}`, ...said].join('\n  '),
    inUse
      ? 'End the program that has the port, or choose others with --port-base.'
      : `Read its log: zkl cluster logs ${id}`,
  );
}

/** What the server said of its end in plain text, else what it logged as an error, else the last of all. */
function reasonsIn(lines: readonly LogLine[]): string[] {
  const spoken = lines.filter(({ level, text }) => level === undefined && /^zkl-server: |^\w*Error\b/.test(text));
  const grave = lines.filter(({ level }) => level !== undefined && level >= 50);
  const telling = [spoken, grave, lines].find((candidates) => candidates.length > 0) ?? [];
  return telling.map(({ message, text }) => message ?? text);
}

/** The size of a file, in bytes; 0 when there is none. */
export async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
