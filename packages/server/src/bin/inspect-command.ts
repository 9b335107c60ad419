import type { Command } from 'commander';
import { formatZxid, type Zxid } from '@zkl/consensus';
import { inspectFolder, type FolderInspection, type InspectedSegment, type InspectedSnapshot } from '@zkl/log-store';
import { EXIT_CODES } from '../errors/server-error.js';
import { formatTable } from './format-table.js';
import { recordPrinter } from './inspect-records.js';

/** `zkl-server inspect <folder>`: what is in a data folder. Changes nothing; exits with 4 when something is damaged. */
export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('print what is in a data folder: identity, epochs, log, snapshots, damage; changes nothing')
    .argument('<folder>', 'the data folder of a server, which should be stopped')
    .option('--json', 'as JSON')
    .option('--records', 'before that, every write in the log: with --json one JSON object on a line each')
    .action(async (folder: string, flags: { json?: boolean; records?: boolean }) => {
      const inspection = await inspectFolder(folder, flags.records === true ? recordPrinter(flags.json === true) : {});
      console.log(
        flags.json === true ? JSON.stringify(toJson(inspection), undefined, indentOf(flags)) : describe(inspection),
      );
      if (isDamaged(inspection)) process.exitCode = EXIT_CODES.DAMAGE;
    });
}

/** With records, all of the output is lines of JSON. */
function indentOf({ records }: { readonly records?: boolean }): number {
  return records === true ? 0 : 2;
}

function isDamaged({ faults, notedDamage }: FolderInspection): boolean {
  return faults.length > 0 || notedDamage !== undefined;
}

/** Zxids as people write them. */
function toJson(inspection: FolderInspection): unknown {
  return JSON.parse(
    JSON.stringify({ ...inspection, damaged: isDamaged(inspection) }, (_key, value: unknown) =>
      isZxid(value) ? formatZxid(value) : value,
    ),
  );
}

function isZxid(value: unknown): value is Zxid {
  return typeof value === 'object' && value !== null && 'epoch' in value && 'counter' in value;
}

function describe(inspection: FolderInspection): string {
  const { identity, hardState, firstZxid, lastZxid, committedZxid, temporary } = inspection;
  const owner = identity === undefined ? 'none' : `server ${identity.serverId} of cluster ${identity.clusterId}`;
  const epochs =
    hardState === undefined ? 'none' : `accepted ${hardState.acceptedEpoch}, current ${hardState.currentEpoch}`;
  return [
    `folder     ${inspection.folder}`,
    `identity   ${owner}`,
    `epochs     ${epochs}`,
    `history    after ${formatZxid(firstZxid)}, up to ${formatZxid(lastZxid)}; committed at least ${formatZxid(committedZxid)}`,
    '',
    ...section('log', segmentRows(inspection.segments)),
    ...section('snapshots', snapshotRows(inspection.snapshots)),
    ...(temporary.length === 0 ? [] : [`unfinished files: ${temporary.join(', ')}`, '']),
    ...damageLines(inspection),
  ].join('\n');
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length < 2 ? [`${title}: none`, ''] : [...formatTable(rows), ''];
}

function segmentRows(segments: readonly InspectedSegment[]): string[][] {
  const head = ['log', 'bytes', 'groups', 'blocks', 'writes', 'first', 'last', 'epochs', 'ends'];
  return [
    head,
    ...segments.map((segment) => [
      segment.name,
      String(segment.sizeBytes),
      String(segment.frames),
      String(segment.blocks),
      String(segment.writes),
      zxidOrDash(segment.first),
      zxidOrDash(segment.last),
      segment.epochs.join(',') || '-',
      segment.tail === 'clean'
        ? `clean at ${segment.tailOffset}`
        : `${segment.tail} at ${segment.tailOffset}: ${segment.reason ?? ''}`,
    ]),
  ];
}

function snapshotRows(snapshots: readonly InspectedSnapshot[]): string[][] {
  return [
    ['snapshot', 'zxid', 'bytes', 'origin', 'state'],
    ...snapshots.map((snapshot) => [
      snapshot.name,
      formatZxid(snapshot.zxid),
      snapshot.stateBytes === undefined ? '-' : String(snapshot.stateBytes),
      snapshot.origin ?? '-',
      snapshot.reason === undefined ? snapshot.state : `${snapshot.state}: ${snapshot.reason}`,
    ]),
  ];
}

function damageLines({ faults, notedDamage }: FolderInspection): string[] {
  const noted = notedDamage === undefined ? [] : [`noted at an earlier start: ${notedDamage}`];
  const lines = [...noted, ...faults];
  return lines.length === 0 ? ['damage: none'] : ['damage:', ...lines.map((line) => `  ${line}`)];
}

function zxidOrDash(zxid: Zxid | undefined): string {
  return zxid === undefined ? '-' : formatZxid(zxid);
}
