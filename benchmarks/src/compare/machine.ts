import { cpus, loadavg, release, totalmem } from 'node:os';

/** Where it was measured. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the last minute, before the first and after the last round: above 0.3 before it, something else ran. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

export function describeMachine(loadBefore: number): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    loadBefore,
    loadAfter: currentLoad(),
  };
}

export function currentLoad(): number {
  return loadavg()[0] ?? 0;
}
