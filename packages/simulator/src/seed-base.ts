import { execFileSync } from 'node:child_process';

/** `ZKL_SIM_SEED`, else drawn from the commit, so that every commit tries other seeds and a failure can be tried again. */
export function seedBase(): number {
  const given = process.env['ZKL_SIM_SEED'];
  if (given !== undefined) return Number(given);
  try {
    return parseInt(execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).slice(0, 8), 16);
  } catch {
    return 1;
  }
}
