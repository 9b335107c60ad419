import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * One run of a process. A process id alone is reused by the system, and a file that remembers only the id would one day have a
 * stranger killed; id and start time together are never the same again.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own notation. Only ever compared. */
  readonly startTime: string;
}

/** The process that has this id at present; undefined when there is none, or only what is left of one (a zombie). */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const startTime = await startTimeReader()(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** Whether that very process still runs: an id that was given to another process since does not count. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(process.pid))?.startTime === process.startTime;
}

/**
 * Sends a signal to that very process, and to no other that has its id by now.
 *
 * @returns false when it does not run any more.
 */
export async function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isRunning(target))) return false;
  try {
    return process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

type StartTimeReader = (pid: number) => Promise<string | undefined>;

function startTimeReader(): StartTimeReader {
  if (process.platform === 'linux') return linuxStartTime;
  return process.platform === 'win32' ? windowsStartTime : posixStartTime;
}

/** Clock ticks from the boot to the start; the boot's own id goes with it, for the ticks begin anew with every boot. */
async function linuxStartTime(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    return parseLinuxStat(stat, boot.trim());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/**
 * Reads `/proc/<pid>/stat`. The second field, the program's name, may itself hold blanks and brackets: counting starts behind
 * its last bracket. Exported for its test.
 */
export function parseLinuxStat(stat: string, bootId: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
  return `${bootId}/${startTicks}`;
}

async function posixStartTime(pid: number): Promise<string | undefined> {
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env });
    const [state = '', ...start] = stdout.trim().split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : start.join(' ');
  } catch {
    // ps ends with 1 when there is no such process.
    return undefined;
  }
}

async function windowsStartTime(pid: number): Promise<string | undefined> {
  try {
    const script = `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`;
    const { stdout } = await run('powershell', ['-NoProfile', '-NonInteractive', '-Command', script]);
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}
