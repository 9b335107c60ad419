import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Results } from '../results.js';
import { barChart } from './bar-chart.js';
import { markdownTable } from './markdown.js';
import { replaceBetween } from './replace-between.js';

/** Puts tables and plots into a page, the plots in a folder of its name beside it. */
export async function writeReport(runs: readonly Results[], page: string): Promise<void> {
  const folder = page.replace(/\.md$/, '');
  await mkdir(folder, { recursive: true });
  const tables: string[] = [];
  for (const results of newestOfEach(runs)) {
    const plots = new Map<string, string>();
    for (const group of results.groups) {
      const svg = barChart(results, group);
      if (svg === undefined) continue;
      await writeFile(join(folder, `${group.name}.svg`), svg);
      plots.set(group.name, `${basename(folder)}/${group.name}.svg`);
    }
    tables.push(markdownTable(results, (group) => plots.get(group)));
  }
  await replaceBetween(page, 'results', tables.join('\n\n'));
}

/** Reads what runs have written. */
export async function readResults(files: readonly string[]): Promise<Results[]> {
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Results));
}

/** The runs from the oldest on, without the groups that a later one has measured again. */
export function newestOfEach(runs: readonly Results[]): Results[] {
  const sorted = [...runs].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  return sorted
    .map((results, index) => {
      const later = new Set(sorted.slice(index + 1).flatMap(({ groups }) => groups.map(({ name }) => name)));
      return { ...results, groups: results.groups.filter(({ name }) => !later.has(name)) };
    })
    .filter(({ groups }) => groups.length > 0);
}
