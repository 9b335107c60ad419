import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isMet, ratioToPeers, spreadOf, type Results, type Round } from '../results.js';
import { atLeast, duration, rate, ratioAtMost } from '../rows/rules.js';
import { quickSettings } from '../settings.js';
import { barChart } from './bar-chart.js';
import { markdownTable } from './markdown.js';
import { replaceBetween } from './replace-between.js';
import { newestOfEach } from './write-report.js';

const fast = rate('writes', atLeast(5));
const early = duration('p99', ratioAtMost(1));

function resultsOf(rounds: readonly Round[]): Results {
  return {
    startedAt: '2026-01-02T03:04:05.678Z',
    endedAt: '2026-01-02T04:04:05.678Z',
    command: 'npm run bench -- compare',
    machine: { processor: 'p', cores: 2, memoryGb: 4, kernel: 'k', node: 'v20', loadBefore: 0.1, loadAfter: 2 },
    versions: { etcd: '1', zookeeper: '2' },
    settings: quickSettings,
    groups: [{ name: 'writes', title: 'Writes', rows: [{ id: 'w', title: '64 < 256', rules: [fast, early] }] }],
    rounds,
    failures: [],
  };
}

const rounds: readonly Round[] = [
  { w: { zkl: { rate: 600, p99: 2 }, etcd: { rate: 100, p99: 4 }, zookeeper: { rate: 50, p99: 1 } } },
  { w: { zkl: { rate: 400, p99: 3 }, etcd: { rate: 40, p99: 6 }, zookeeper: { rate: 100, p99: 9 } } },
  { w: { zkl: { rate: 800, p99: 1 }, etcd: { rate: 80, p99: 2 } } },
];

test('a spread has the middle of its numbers; what was not measured is left out', () => {
  expect(spreadOf([3, undefined, 1, Number.NaN, 2])).toEqual({ min: 1, median: 2, max: 3 });
  expect(spreadOf([4, 1])).toEqual({ min: 1, median: 2.5, max: 4 });
  expect(spreadOf([undefined])).toBeUndefined();
});

test('a ratio is to the better peer of the same round, whichever that is', () => {
  expect(ratioToPeers(resultsOf(rounds), 'w', fast)).toEqual({ min: 4, median: 6, max: 10 });
  expect(ratioToPeers(resultsOf(rounds), 'w', early)).toEqual({ min: 0.5, median: 0.5, max: 2 });
  expect(isMet(resultsOf(rounds), 'w', fast)).toBe(true);
  expect(isMet(resultsOf([rounds[1]!]), 'w', fast)).toBe(false);
  expect(isMet(resultsOf([{ w: { zkl: { rate: 1 } } }]), 'w', fast)).toBeUndefined();
  const named = duration('p99', ratioAtMost(1, 'etcd'));
  expect(ratioToPeers(resultsOf(rounds), 'w', named)).toEqual({ min: 0.5, median: 0.5, max: 0.5 });
  const alone = { ...early, target: { kind: 'atMost', value: 2, of: 'max' } as const };
  expect(isMet(resultsOf(rounds), 'w', alone)).toBe(false);
  expect(isMet(resultsOf(rounds.slice(2)), 'w', alone)).toBe(true);
});

test('tables and plots show what was measured', () => {
  const text = markdownTable(resultsOf(rounds), () => 'benchmarks/writes.svg');
  expect(text).toContain(
    '| 64 < 256 | writes/s | 400 / **600** / 800 | 40 / **80** / 100 | 50 / **75** / 100 | 4.00 / **6.00** / 10.00 | ≥ 5 × ✓ |',
  );
  expect(text).toContain('![Writes](benchmarks/writes.svg)');
  const results = resultsOf(rounds);
  const svg = barChart(results, results.groups[0]!);
  expect(svg).toContain('64 &lt; 256');
  expect(svg?.match(/<rect [^>]*fill="#2563eb"/g)).toHaveLength(2);
  expect(barChart(resultsOf([]), results.groups[0]!)).toBeUndefined();
});

test('of each group the newest run counts', () => {
  const group = (name: string): Results['groups'][number] => ({ name, title: name, rows: [] });
  const early = { ...resultsOf(rounds), groups: [group('writes'), group('reads')] };
  const late = { ...resultsOf(rounds), startedAt: '2026-02-02T00:00:00.000Z', groups: [group('writes')] };
  const names = newestOfEach([late, early]).map(({ groups }) => groups.map(({ name }) => name));
  expect(names).toEqual([['reads'], ['writes']]);
  expect(newestOfEach([late, { ...early, groups: [group('writes')] }])).toEqual([late]);
});

test('only what stands between the marks of a page is replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-page-'));
  try {
    const page = join(folder, 'page.md');
    await writeFile(page, 'before\n<!-- begin results -->\nold\n<!-- end results -->\nafter\n');
    await replaceBetween(page, 'results', 'new');
    expect(await readFile(page, 'utf8')).toBe('before\n<!-- begin results -->\nnew\n<!-- end results -->\nafter\n');
    await expect(replaceBetween(page, 'other', 'x')).rejects.toThrow('has no place for other');
  } finally {
    await rm(folder, { recursive: true });
  }
});
