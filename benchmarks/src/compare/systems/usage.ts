import { readFile } from 'node:fs/promises';
import { cpuTimeMs } from '../../cpu-time.js';

/** What a process has used: NaN where it is not known. */
export interface Usage {
  /** Of all its threads, since it started. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** From /proc. */
export async function usageOf(pid: number | undefined): Promise<Usage> {
  if (pid === undefined) return { cpuMs: Number.NaN, residentBytes: Number.NaN };
  const [cpuMs = Number.NaN, status] = await Promise.all([
    cpuTimeMs(pid),
    readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
  ]);
  return { cpuMs, residentBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024 };
}
