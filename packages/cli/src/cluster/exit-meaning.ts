import { stat } from 'node:fs/promises';
import { ClusterError } from './errors.js';
import type { MemberStatus } from './member-status.js';
import type { ClusterMember } from './members.js';
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

/** Says how far each server has come that was waited for in vain: its role, and the last warning that it logged. */
export async function describeWait(
  statuses: readonly MemberStatus[],
  members: readonly ClusterMember[],
  timeoutMs: number,
): Promise<ClusterError> {
  const late = statuses.filter(({ status }) => !status?.serving);
  const lines = late.map(async ({ id, status, error, process }) => {
    const log = members.find((member) => member.id === id)?.logFile ?? '';
    const warning = (await readLogTail(log, 200)).findLast(({ level }) => level !== undefined && level >= 40);
    const state = status
      ? `is ${status.role} in epoch ${status.epoch}`
      : process === 'running'
        ? `does not answer: ${error}`
        : process;
    const reason = warning && [warning.event, warning.message, warning.fields.damage].filter(Boolean).join(': ');
    return `server ${id} ${state}${reason ? `; its last warning: ${reason}` : ''}`;
  });
  return new ClusterError(
    'DEADLINE_EXCEEDED',
    [`not all servers serve after ${timeoutMs} ms`, ...(await Promise.all(lines))].join('\n  '),
    'Read their logs with `zkl cluster logs <id>`; on a machine that is busy, try again.',
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
