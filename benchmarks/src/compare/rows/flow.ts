import { setTimeout as delay } from 'node:timers/promises';
import { numberOf } from '../bench.js';
import type { Generator, GeneratorEvent } from '../generators/generator.js';

/** What a steady flow of writes looks like from outside: see the generators' mode `flow`. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

const STEADY_TIMEOUT_MS = 60_000;

/** Milliseconds since 1970 with fractions, as the generators tell them. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Gaps without an acknowledgement that ended after this moment. */
export function gapsSince(generator: Generator, atMs: number): Gap[] {
  return generator
    .told('gap')
    .map((event) => ({ from: numberOf(event, 'from'), to: numberOf(event, 'to') }))
    .filter(({ to }) => to > atMs);
}

/** Windows that lie within a time. */
export function windowsIn(generator: Generator, fromMs: number, toMs: number, windowMs: number): GeneratorEvent[] {
  return generator.told('window').filter((event) => {
    const at = numberOf(event, 'at');
    return at - windowMs >= fromMs && at <= toMs && numberOf(event, 'ops') > 0;
  });
}

/** Waits until writes have been acknowledged, without a gap longer than `gapMaxMs`, for so long. */
export async function steady(generator: Generator, forMs: number, gapMaxMs = 100): Promise<void> {
  const beganMs = epochMs();
  for (let nowMs = beganMs; nowMs < beganMs + STEADY_TIMEOUT_MS; nowMs = epochMs()) {
    const window = generator.told('window').at(-1);
    const flows = window !== undefined && numberOf(window, 'at') > beganMs && numberOf(window, 'ops') > 0;
    const lately = gapsSince(generator, nowMs - forMs).some(({ from, to }) => to - from > gapMaxMs);
    if (flows && !lately && nowMs - beganMs > forMs) return;
    await delay(20);
  }
  throw new Error(`writes do not flow within ${STEADY_TIMEOUT_MS} ms`);
}
