import type { Latencies } from '../latencies.js';

/** What the generator was told. */
export interface Given {
  text(name: string, otherwise: string): string;
  number(name: string, otherwise: number): number;
}

export function parseArguments(words: readonly string[]): Given {
  const pairs = new Map(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
  return {
    text: (name, otherwise) => pairs.get(name) ?? otherwise,
    number(name, otherwise) {
      const number = Number(pairs.get(name) ?? otherwise);
      if (Number.isInteger(number)) return number;
      throw new RangeError(`${name} must be a whole number`);
    },
  };
}

/** Prints one object a line. */
export function tell(event: string, fields: Readonly<Record<string, number>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** Calls back when whoever started this process closes its standard input, or is gone. */
export function untilInputEnds(then: () => void): void {
  process.stdin.on('end', then).on('error', then).resume();
}

/** The part of an answer that tells of durations. */
export function summaryOf(latencies: Latencies): Readonly<Record<string, number>> {
  const [p50 = 0, p99 = 0, p999 = 0, max = 0] = latencies.count === 0 ? [] : latencies.percentiles(0.5, 0.99, 0.999, 1);
  return { ops: latencies.count, p50, p99, p999, max };
}

/** Milliseconds since 1970, with fractions: comparable with those of other processes on this machine. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

export function keyOf(index: number): string {
  return `/bench/node-${String(index).padStart(12, '0')}`;
}

export function folderOf(index: number): string {
  return `/fill-${String(index).padStart(6, '0')}`;
}
