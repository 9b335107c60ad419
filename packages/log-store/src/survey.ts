import type { Zxid } from '@zkl/consensus';
import { readDamage } from './damage-file.js';
import type { Disk } from './disk.js';
import { LogStoreError, systemCodeOf } from './errors.js';
import { META_FILE, sequenceOf, snapshotZxidOf, TEMPORARY_SUFFIX } from './format.js';
import { type HardStateSlots, readHardState } from './hard-state-file.js';
import type { LogMap } from './log-map.js';
import { endsBefore, type LogScan, type ScanListener, scanLog } from './log-scan.js';
import { comparePosition } from './segment-file.js';
import { readSnapshotInfo, type SnapshotInfo, verifySnapshot } from './snapshot-file.js';
import { compareZxid, formatZxid, ZXID_ZERO } from './zxid.js';

/** A snapshot's file that is not whole. */
export interface BadSnapshot {
  readonly name: string;
  /** What its name says. */
  readonly zxid: Zxid;
  readonly reason: string;
}

/** Everything that a data folder holds, and what is wrong with it. Taking it changes nothing. */
export interface Survey {
  readonly isNew: boolean;
  /** Unfinished files. */
  readonly temporary: readonly string[];
  /** Segments that an installed snapshot made void; they are not part of `log`. */
  readonly voidSegments: readonly string[];
  readonly hardState: HardStateSlots | undefined;
  readonly log: LogScan;
  /** Newest first. The first is whole; the others' blocks were not read unless it took their place. */
  readonly snapshots: readonly SnapshotInfo[];
  readonly badSnapshots: readonly BadSnapshot[];
  /** Whole, but overtaken by a truncation or an installed snapshot. */
  readonly staleSnapshots: readonly SnapshotInfo[];
  /** What was noted at an earlier start. */
  readonly notedDamage: string | undefined;
  /** What was found now; each may have cost something that was acknowledged. */
  readonly faults: readonly string[];
  /** True when log and snapshots do not join: the log begins after anything that the snapshots hold. */
  readonly unreachable: boolean;
}

/** Surveys the folder; fills `map` with the log's history. */
export async function surveyFolder(disk: Disk, folder: string, map: LogMap, listener: ScanListener): Promise<Survey> {
  const names = await disk.list(folder);
  const numbered = numberedSegments(names);
  const notedDamage = await readDamage(disk, folder);
  const hardState = await hardStateOf(disk, folder);
  const holdsSomething =
    numbered.length > 0 || names.some((name) => name === META_FILE || snapshotZxidOf(name) !== undefined);
  const isNew = notedDamage === undefined && hardState === undefined && !holdsSomething;
  const found = await readSnapshots(disk, folder, names);
  const cut = Math.max(
    0,
    ...found.whole.filter((info) => info.origin === 'installed').map((info) => info.position.sequence),
  );
  const log = await scanLog(
    disk,
    folder,
    numbered.filter(({ sequence }) => sequence >= cut),
    map,
    listener,
  );
  const { stale, valid } = splitStale(found.whole, log, cut);
  const checked = await verifyNewest(disk, valid);
  const snapshots = { whole: checked.snapshots, bad: [...found.bad, ...checked.bad] };
  const newest = snapshots.whole[0]?.zxid;
  const unreachable = log.started && compareZxid(map.base, newest ?? ZXID_ZERO) > 0;
  return {
    isNew,
    temporary: names.filter((name) => name.endsWith(TEMPORARY_SUFFIX)),
    voidSegments: numbered.filter(({ sequence }) => sequence < cut).map(({ name }) => name),
    hardState,
    log,
    snapshots: snapshots.whole,
    badSnapshots: snapshots.bad,
    staleSnapshots: stale,
    notedDamage,
    faults: isNew ? [] : faultsOf(hardState, log, map, newest, snapshots.bad, unreachable),
    unreachable,
  };
}

function numberedSegments(names: readonly string[]): { name: string; sequence: number }[] {
  return names
    .map((name) => ({ name, sequence: sequenceOf(name) }))
    .filter((entry): entry is { name: string; sequence: number } => entry.sequence !== undefined)
    .sort((a, b) => a.sequence - b.sequence);
}

async function hardStateOf(disk: Disk, folder: string): Promise<HardStateSlots | undefined> {
  try {
    return await readHardState(disk, folder);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readSnapshots(
  disk: Disk,
  folder: string,
  names: readonly string[],
): Promise<{ whole: SnapshotInfo[]; bad: BadSnapshot[] }> {
  const whole: SnapshotInfo[] = [];
  const bad: BadSnapshot[] = [];
  for (const name of names) {
    const zxid = snapshotZxidOf(name);
    if (zxid === undefined) continue;
    try {
      whole.push(await readSnapshotInfo(disk, `${folder}/${name}`, zxid));
    } catch (error) {
      bad.push({ name, zxid, reason: damageReason(error) });
    }
  }
  whole.sort((a, b) => compareZxid(b.zxid, a.zxid));
  return { whole, bad };
}

/** A snapshot does not count when the log was cut before it afterwards, or a snapshot from a leader replaced everything afterwards. */
function splitStale(
  whole: readonly SnapshotInfo[],
  log: LogScan,
  cut: number,
): { stale: SnapshotInfo[]; valid: SnapshotInfo[] } {
  const isStale = (info: SnapshotInfo): boolean =>
    info.position.sequence < cut ||
    log.truncations.some(
      ({ position, to }) => compareZxid(info.zxid, to) > 0 && comparePosition(position, info.position) >= 0,
    );
  return { stale: whole.filter(isStale), valid: whole.filter((info) => !isStale(info)) };
}

/** Reads snapshots, the newest first, until one is whole. */
async function verifyNewest(
  disk: Disk,
  valid: readonly SnapshotInfo[],
): Promise<{ snapshots: SnapshotInfo[]; bad: BadSnapshot[] }> {
  const bad: BadSnapshot[] = [];
  for (const [at, info] of valid.entries()) {
    try {
      await verifySnapshot(disk, info);
      return { snapshots: valid.slice(at), bad };
    } catch (error) {
      bad.push({ name: info.path.slice(info.path.lastIndexOf('/') + 1), zxid: info.zxid, reason: damageReason(error) });
    }
  }
  return { snapshots: [], bad };
}

function damageReason(error: unknown): string {
  if (error instanceof LogStoreError && error.code === 'SNAPSHOT_DAMAGED') return error.message;
  throw error;
}

function faultsOf(
  hardState: HardStateSlots | undefined,
  log: LogScan,
  map: LogMap,
  newest: Zxid | undefined,
  bad: readonly BadSnapshot[],
  unreachable: boolean,
): string[] {
  const faults: string[] = [];
  if (hardState === undefined) faults.push('the file hard-state is missing');
  else if (hardState.newest === undefined) faults.push('both slots of hard-state are unreadable');
  const mark = hardState?.newest?.logEnd;
  if (log.fault !== undefined) faults.push(log.fault.reason);
  else if (mark !== undefined && endsBefore(log.segments, mark)) {
    faults.push(
      `the log ends before offset ${mark.offset} of segment ${mark.sequence}, up to which it is known to have been durable`,
    );
  }
  if (unreachable) faults.push(`the log begins after ${formatZxid(map.base)}, and no whole snapshot reaches that far`);
  const end = log.started ? map.last : ZXID_ZERO;
  for (const { zxid, reason } of bad) {
    const covered = compareZxid(zxid, end) <= 0 || (newest !== undefined && compareZxid(zxid, newest) <= 0);
    if (!covered) faults.push(`${reason} Nothing else holds the state at ${formatZxid(zxid)}.`);
  }
  return faults;
}
