import type { HistoryReport } from '@zkl/simulator/history';
import type { Struck, Tally } from './tally.js';
import { distributionOf } from './statistics.js';

const ms = (value: number): string => `${value.toFixed(0)} ms`;

/** What was injected, by kind and name, in lines. */
export function describeFaults(struck: readonly Struck[]): string[] {
  const lines = [`faults injected      ${struck.length}`];
  const names = [...new Set(struck.map(({ kind, name }) => `${kind} ${name}`))].sort();
  for (const name of names) {
    const own = struck.filter((fault) => `${fault.kind} ${fault.name}` === name);
    const times = own.flatMap(({ nextMs }) => nextMs ?? []);
    const next =
      times.length === 0
        ? ''
        : `, next acknowledged write: median ${ms(distributionOf(times).median)}, max ${ms(distributionOf(times).max)}`;
    lines.push(`  ${name.padEnd(28)} ${String(own.length).padStart(4)}${next}`);
  }
  return lines;
}

/** What clients did, by kind and outcome, in lines. */
export function describeCalls(tally: Tally): string[] {
  const lines = [
    `operations           ${tally.operations}`,
    `  ${''.padEnd(28)} ${['ok', 'refused', 'failed', 'unknown'].map((name) => name.padStart(9)).join('')}`,
  ];
  for (const [kind, { ok, refused, failed, unknown }] of [...tally.calls].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(
      `  ${kind.padEnd(28)} ${[ok, refused, failed, unknown].map((count) => String(count).padStart(9)).join('')}`,
    );
  }
  for (const [kind, count] of tally.records)
    lines.push(`  records of kind ${kind.padEnd(12)} ${String(count).padStart(9)}`);
  lines.push(`longest write gap    ${ms(tally.longestGapMs())}`);
  return lines;
}

/** What a checked history consists of, in a line. */
export function describeReport(report: HistoryReport): string {
  return Object.entries(report)
    .filter(([, value]) => typeof value === 'number')
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}
