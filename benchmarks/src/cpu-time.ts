import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** Clock ticks a second, the unit of `/proc/<pid>/stat`. */
const ticksPerSecond =
  process.platform === 'linux' ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 0;

/** The CPU time that a process and all its threads have used, in milliseconds; undefined off Linux, or when it is gone. */
export async function cpuTimeMs(pid: number): Promise<number | undefined> {
  if (ticksPerSecond === 0) return undefined;
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Behind the program's name, which may hold blanks: user and system time are the 12th and 13th fields from there.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1_000;
  } catch {
    return undefined;
  }
}
