/** Rows as lines with aligned columns; the first row is the head. The last column is not padded. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ');
  const [head, ...rest] = rows.map(line);
  return head === undefined ? [] : [head, '-'.repeat(head.length), ...rest];
}
