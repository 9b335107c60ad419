import { isMet, ratioToPeers, spreadOfMetric, type Results, type Spread } from '../results.js';
import type { MetricRule, Row, Target } from '../rows/row.js';
import type { SystemName } from '../systems/system.js';

const systems: readonly { readonly name: SystemName; readonly title: string }[] = [
  { name: 'zkl', title: 'zkl' },
  { name: 'etcd', title: 'etcd' },
  { name: 'zookeeper', title: 'ZooKeeper' },
];

/** The tables of a run, one a group. @param plotOf - The picture of a group, relative to the page. */
export function markdownTable(results: Results, plotOf: (group: string) => string | undefined): string {
  const { machine, versions, settings } = results;
  const lines = [
    `\`${results.command}\`, ${results.startedAt.slice(0, 16).replace('T', ' ')} UTC. ${results.rounds.length} round(s) of ${settings.seconds} s after ${settings.warmupSeconds} s of warm-up; ` +
      `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node.js ${machine.node}; etcd ${versions['etcd']}, ` +
      `ZooKeeper ${versions['zookeeper']}. Load of the machine before it: ${machine.loadBefore.toFixed(2)}.`,
    '',
    'min / **median** / max of the rounds; the ratio is to the better peer in the same round.',
  ];
  for (const group of results.groups) {
    const rows = group.rows.flatMap((row) => row.rules.map((rule) => lineOf(results, row, rule)));
    if (rows.every((row) => row === undefined)) continue;
    const plot = plotOf(group.name);
    lines.push('', `### ${group.title}`, '');
    if (plot !== undefined) lines.push(`![${group.title}](${plot})`, '');
    lines.push('| | | zkl | etcd | ZooKeeper | ratio | target |', '| --- | --- | --- | --- | --- | --- | --- |');
    lines.push(...rows.filter((row): row is string => row !== undefined));
  }
  if (results.failures.length > 0) lines.push('', 'Not measured:', ...results.failures.map((each) => `- ${each}`));
  return lines.join('\n');
}

function lineOf(results: Results, row: Row, rule: MetricRule): string | undefined {
  const spreads = systems.map(({ name }) => spreadOfMetric(results, row.id, name, rule.metric));
  if (spreads.every((spread) => spread === undefined)) return undefined;
  const ratio = ratioToPeers(results, row.id, rule);
  const met = isMet(results, row.id, rule);
  const target = rule.target === undefined ? '' : targetText(rule.target, rule.unit);
  const cells = [
    row.title,
    `${rule.label}${rule.unit === '/s' ? '/s' : `, ${rule.unit}`}`,
    ...spreads.map((spread) => spreadText(spread, rule.digits ?? 1)),
    spreadText(ratio, 2),
    `${target}${met === undefined ? '' : met ? ' ✓' : ' ✗'}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function spreadText(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return '';
  const text = (number: number): string =>
    number.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (spread.min === spread.max) return `**${text(spread.median)}**`;
  return `${text(spread.min)} / **${text(spread.median)}** / ${text(spread.max)}`;
}

function targetText(target: Target, unit: string): string {
  switch (target.kind) {
    case 'ratioAtLeast':
      return `≥ ${target.value} ×${peerText(target.to)}`;
    case 'ratioAtMost':
      return `≤ ${target.value} ×${peerText(target.to)}`;
    case 'atMost':
      return `${target.of === 'max' ? 'max ' : ''}≤ ${target.value} ${unit}`;
  }
}

function peerText(peer: SystemName | undefined): string {
  const named = systems.find(({ name }) => name === peer);
  return named === undefined ? '' : ` (${named.title})`;
}
