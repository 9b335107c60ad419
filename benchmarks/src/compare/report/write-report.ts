import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Results } from '../results.js';
import { markdownTable } from './markdown.js';
import { barChart } from './bar-chart.js';
import { replaceBetween } from './replace-between.js';

/** Prints the tables, and puts them with their plots into the page where there is one. */
export async function writeReport(
  results: Results,
  page: string | undefined,
  say: (line: string) => void,
): Promise<void> {
  say(markdownTable(results, () => undefined));
  if (page === undefined) return;
  const folder = page.replace(/\.md$/, '');
  await mkdir(folder, { recursive: true });
  const plots = new Map<string, string>();
  for (const group of results.groups) {
    const svg = barChart(results, group);
    if (svg === undefined) continue;
    const file = join(folder, `${group.name}.svg`);
    await writeFile(file, svg);
    plots.set(group.name, `${basename(dirname(file))}/${basename(file)}`);
  }
  await replaceBetween(
    page,
    'results',
    markdownTable(results, (group) => plots.get(group)),
  );
  say(`page: ${page}`);
}
