import { spreadOfMetric, type Results, type Spread } from '../results.js';
import type { SystemName } from '../systems/system.js';

const colors: Readonly<Record<SystemName, string>> = { zkl: '#2563eb', etcd: '#d97706', zookeeper: '#6b7280' };
const titles: Readonly<Record<SystemName, string>> = { zkl: 'zkl', etcd: 'etcd', zookeeper: 'ZooKeeper' };
const [WIDTH, LEFT, RIGHT, BAR, GAP] = [760, 250, 110, 14, 14];

interface Bar {
  readonly system: SystemName;
  readonly spread: Spread;
}

/** Horizontal bars of the first number of each row: the median, with a line from the smallest to the largest. undefined when nothing was measured. */
export function barChart(results: Results, group: Results['groups'][number]): string | undefined {
  const rows = group.rows.flatMap((row) => {
    const [rule] = row.rules;
    if (rule === undefined) return [];
    const bars = (Object.keys(colors) as SystemName[]).flatMap((system): Bar[] => {
      const spread = spreadOfMetric(results, row.id, system, rule.metric);
      return spread === undefined ? [] : [{ system, spread }];
    });
    const label = `${row.title}: ${rule.label}${rule.unit === '/s' ? '/s' : `, ${rule.unit}`}`;
    return bars.length === 0 ? [] : [{ label, digits: rule.digits ?? 1, unit: rule.unit, bars }];
  });
  if (rows.length === 0) return undefined;
  // Rows of one unit share a scale.
  const scales = new Map<string, number>();
  for (const { unit, bars } of rows) {
    scales.set(unit, Math.max(scales.get(unit) ?? 0, ...bars.map(({ spread }) => spread.max)));
  }
  const parts: string[] = [];
  let y = 60;
  for (const { label, digits, unit, bars } of rows) {
    const scale = (WIDTH - LEFT - RIGHT) / (scales.get(unit) || 1);
    const middle = y + (bars.length * BAR) / 2 + 4;
    parts.push(`<text x="${LEFT - 10}" y="${middle}" text-anchor="end">${escape(label)}</text>`);
    for (const bar of bars) {
      parts.push(...drawBar(bar, y, scale, digits));
      y += BAR;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 6}" viewBox="0 0 ${WIDTH} ${y + 6}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="15" font-weight="bold">${escape(group.title)}</text>`,
    ...legend(),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function drawBar({ system, spread }: Bar, y: number, scale: number, digits: number): string[] {
  const at = (value: number): string => (LEFT + value * scale).toFixed(1);
  const middle = y + BAR / 2 - 1;
  const text = spread.median.toLocaleString('en', { maximumFractionDigits: digits });
  return [
    `<rect x="${LEFT}" y="${y}" width="${(spread.median * scale).toFixed(1)}" height="${BAR - 2}" fill="${colors[system]}"/>`,
    `<line x1="${at(spread.min)}" x2="${at(spread.max)}" y1="${middle}" y2="${middle}" stroke="#111827"/>`,
    `<text x="${(LEFT + spread.max * scale + 6).toFixed(1)}" y="${y + BAR - 4}" font-size="11">${text}</text>`,
  ];
}

function legend(): string[] {
  return (Object.keys(colors) as SystemName[]).flatMap((system, index) => {
    const x = LEFT + index * 100;
    return [
      `<rect x="${x}" y="34" width="12" height="12" fill="${colors[system]}"/>`,
      `<text x="${x + 18}" y="44">${titles[system]}</text>`,
    ];
  });
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
