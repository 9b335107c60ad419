import Table from 'cli-table3';
import type { Style } from './style.js';

/** A table with one row for each entry; columns whose cells are all empty are left out. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const kept = head.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''));
  const pick = (cells: readonly string[]): string[] => cells.filter((_, column) => kept[column]);
  // Its own colours are switched off: they would also be there without a terminal.
  const table = new Table({ head: pick(head).map(style.strong), style: { head: [], border: [], compact: true } });
  table.push(...rows.map(pick));
  return table.toString();
}
