import type { Block, Zxid } from '@zkl/consensus';
import { copyAside, emptyDamagedFolder, moveAside, writeDamage } from './damage-file.js';
import type { Disk } from './disk.js';
import { LogStoreError } from './errors.js';
import { HARD_STATE_FILE } from './format.js';
import { readFrameBody, readFrameHeader } from './frame.js';
import { createHardState, HARD_STATE_ZERO, type HardStateRecord } from './hard-state-file.js';
import type { LogFault, ScannedSegment } from './log-scan.js';
import type { LogMap } from './log-map.js';
import type { SegmentFile } from './segment-file.js';
import type { Survey } from './survey.js';
import { compareZxid, ZXID_ZERO } from './zxid.js';

/** What a running store starts from, once the folder is in order. */
export interface Recovery {
  readonly hardState: HardStateRecord;
  readonly damage: string | undefined;
  /** Segments that hold part of the log, in order; the last may be `active`. */
  readonly segments: readonly SegmentFile[];
  /** Where to go on; undefined: in the first of `ready`, or in a new one. */
  readonly active: SegmentFile | undefined;
  readonly ready: SegmentFile[];
  readonly nextSequence: number;
  /** Whole blocks of an interrupted or damaged group: to be appended again, since the frame they stood in had to go. */
  readonly salvaged: readonly Block[];
  /** To be removed once the log goes on in a later segment. */
  readonly obsolete: readonly string[];
  /** The mark in the hard state must be written anew: what it points to was set aside. */
  readonly markIsVoid: boolean;
  /** What was done, for people. */
  readonly notices: readonly string[];
}

/**
 * Puts the folder in order after a survey: notes damage, sets damaged files aside, cuts a torn tail. Every step leaves a folder
 * from which the next start comes to the same end, and the note about damage is always the first.
 */
export async function recoverFolder(disk: Disk, folder: string, survey: Survey, map: LogMap): Promise<Recovery> {
  // Names that an earlier run gave may be seen, and not be durable: it may have died before it synced them.
  await disk.syncFolder(folder);
  for (const name of survey.temporary) await disk.remove(`${folder}/${name}`);
  const damage = await noteDamage(disk, folder, survey);
  const hardState = await recoverHardState(disk, folder, survey);
  for (const { name } of survey.badSnapshots) await moveAside(disk, folder, name);
  for (const { path } of survey.staleSnapshots) await disk.remove(path);
  if (survey.log.fault !== undefined) await setFaultAside(disk, folder, survey.log.fault, survey.log.segments);
  else if (survey.log.torn?.file !== undefined) await seal(disk, survey.log.torn.file);

  const newest = survey.snapshots[0]?.zxid;
  const kept = segmentsBefore(survey);
  const joins = joinWithSnapshot(survey, map, newest);
  if (joins.outcome === 'unreachable') {
    for (const segment of kept) if (segment.frames > 0) await moveAside(disk, folder, segment.name);
  }
  const usable = joins.outcome === 'kept' ? kept : kept.filter((segment) => segment.frames === 0);
  await writeLastFrameAgain(disk, usable);
  return {
    hardState,
    damage,
    ...arrange(usable, survey),
    salvaged: joins.outcome === 'kept' ? salvageable(survey) : [],
    obsolete: [
      ...survey.voidSegments,
      ...(joins.outcome === 'obsolete' ? kept.filter((segment) => segment.frames > 0).map(({ name }) => name) : []),
    ],
    markIsVoid: survey.faults.length > 0,
    notices: noticesOf(survey),
  };
}

/**
 * What is read is not what is durable: 1. a process is killed while it writes, or its write fails, and the system's cache has all of it; 2. the next
 * run reads it, counts it for its own, and acknowledges it; 3. power is lost, and it never was on the disk. (Simulation of nodes, seeds 200 and 295; for
 * failed writes: Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020.) One write is under way at a time, so this can be the
 * case only of the last frame: written again, it is durable. A sync would not do, since the pages of a failed write count as clean.
 *
 * What is written must be what was found: 1. the survey finds the frame whole; 2. this read comes from another place of the disk, or is short; 3. written, it would
 * destroy what was durable, and pass for a torn write at the next start. (Simulation of nodes, seed 50142.)
 */
async function writeLastFrameAgain(disk: Disk, usable: readonly ScannedSegment[]): Promise<void> {
  const last = usable.findLast((segment) => segment.frames > 0);
  if (last?.file === undefined || last.lastFrameAt === undefined) return;
  const handle = await disk.open(last.file.path, 'durable');
  try {
    const bytes = new Uint8Array(last.file.end - last.lastFrameAt);
    const count = await handle.read(bytes, last.lastFrameAt);
    // Its trailer, and what pads it, may be missing: a frame is whole without them.
    if (!isWholeFrame(bytes, last.file, last.lastFrameAt)) {
      throw new LogStoreError('DISK_FAILED', `The disk reads ${last.file.path} differently from one time to the next`);
    }
    await handle.write(bytes.subarray(0, count), last.lastFrameAt);
  } finally {
    await handle.close();
  }
}

function isWholeFrame(bytes: Uint8Array, { id }: SegmentFile, offset: number): boolean {
  const header = readFrameHeader(bytes, 0, id, offset);
  if (header === undefined || header === 'elsewhere') return false;
  return readFrameBody(bytes, 0, header).fault === undefined;
}

async function noteDamage(disk: Disk, folder: string, survey: Survey): Promise<string | undefined> {
  const asideNeeded = survey.faults.length > 0 || survey.badSnapshots.length > 0;
  if (survey.notedDamage === undefined && asideNeeded) await emptyDamagedFolder(disk, folder);
  if (survey.faults.length === 0) return survey.notedDamage;
  const reasons = [...(survey.notedDamage === undefined ? [] : [survey.notedDamage]), ...survey.faults];
  const text = reasons.join('; ').slice(0, 4096);
  await writeDamage(disk, folder, text);
  return text;
}

/**
 * A slot that is unreadable or behind is written again from the other. When both are gone, so are the promises: the epochs that the log
 * shows are the least that was promised, and the damage keeps this server from voting.
 */
async function recoverHardState(disk: Disk, folder: string, survey: Survey): Promise<HardStateRecord> {
  const newest = survey.hardState?.newest;
  if (newest !== undefined) {
    if (survey.hardState?.whole === false) await createHardState(disk, folder, newest);
    return newest;
  }
  if (survey.hardState !== undefined) await copyAside(disk, folder, HARD_STATE_FILE);
  const snapshotEpoch = survey.snapshots[0]?.zxid.epoch ?? 0;
  const acceptedEpoch = Math.max(survey.log.epochMax, snapshotEpoch);
  const record = { ...HARD_STATE_ZERO, acceptedEpoch };
  await createHardState(disk, folder, record);
  return record;
}

/** What may hold something that was acknowledged is kept: the segment is copied before it is cut, later ones are moved. */
async function setFaultAside(
  disk: Disk,
  folder: string,
  fault: LogFault,
  segments: readonly ScannedSegment[],
): Promise<void> {
  const from = segments.indexOf(fault.segment);
  for (const segment of segments.slice(from + 1).reverse()) {
    if (segment.frames > 0 || segment.tail.kind !== 'clean') await moveAside(disk, folder, segment.name);
  }
  const { file, frames, name } = fault.segment;
  if (file === undefined || frames === 0) return moveAside(disk, folder, name);
  await copyAside(disk, folder, name);
  await seal(disk, file);
}

/** Cuts the file after its last whole frame; nothing is appended to it any more. */
async function seal(disk: Disk, file: SegmentFile): Promise<void> {
  const handle = await disk.open(file.path, 'durable');
  try {
    await handle.truncate(file.end);
    await handle.sync();
  } finally {
    await handle.close();
  }
  file.sizeBytes = file.end;
}

/** The segments that are still in their place. */
function segmentsBefore(survey: Survey): readonly ScannedSegment[] {
  const { fault, segments } = survey.log;
  if (fault === undefined) return segments;
  const at = segments.indexOf(fault.segment);
  const later = segments.slice(at + 1).filter((segment) => segment.frames === 0 && segment.tail.kind === 'clean');
  const own = fault.segment.file !== undefined && fault.segment.frames > 0 ? [fault.segment] : [];
  return [...segments.slice(0, at), ...own, ...later];
}

/**
 * The log must reach back to the newest snapshot. `obsolete`: it ends before the snapshot, which holds all that it says.
 */
function joinWithSnapshot(
  survey: Survey,
  map: LogMap,
  newest: Zxid | undefined,
): { outcome: 'kept' | 'obsolete' | 'unreachable' } {
  const start = newest ?? ZXID_ZERO;
  if (!survey.log.started) {
    map.reset(start);
    return { outcome: 'kept' };
  }
  if (survey.unreachable) {
    map.reset(start);
    return { outcome: 'unreachable' };
  }
  if (compareZxid(map.last, start) >= 0) return { outcome: 'kept' };
  map.reset(start);
  return { outcome: 'obsolete' };
}

function salvageable(survey: Survey): readonly Block[] {
  const source = survey.log.fault?.blocks ?? (survey.log.torn?.tail.kind === 'torn' ? survey.log.torn.tail.blocks : []);
  return source;
}

/** Where the log goes on: in the last segment with frames when it is whole and open, else in an empty one after it. */
function arrange(
  usable: readonly ScannedSegment[],
  survey: Survey,
): Pick<Recovery, 'segments' | 'active' | 'ready' | 'nextSequence'> {
  const last = usable.findLastIndex((segment) => segment.frames > 0);
  const isSealed = (segment: ScannedSegment): boolean =>
    !segment.open || segment === survey.log.fault?.segment || segment === survey.log.torn;
  const candidate = usable[last];
  const active = candidate !== undefined && !isSealed(candidate) ? candidate.file : undefined;
  const files = (list: readonly ScannedSegment[]): SegmentFile[] =>
    list.map(({ file }) => file).filter((file) => file !== undefined);
  const highest = Math.max(
    0,
    ...survey.log.segments.map(({ sequence }) => sequence),
    survey.hardState?.newest?.logEnd.sequence ?? 0,
  );
  return {
    // Sealed ones without frames have nothing to say, but stand for positions that marks may name: they are purged with the rest.
    segments: files(usable.filter((segment, at) => at <= last || isSealed(segment))),
    active,
    ready: files(usable.filter((segment, at) => at > last && !isSealed(segment))),
    nextSequence: Math.max(highest, ...survey.snapshots.map(({ position }) => position.sequence)) + 1,
  };
}

function noticesOf(survey: Survey): string[] {
  const notices = survey.badSnapshots.map(({ reason }) => reason);
  const { torn } = survey.log;
  if (torn !== undefined && torn.tail.kind === 'torn')
    notices.push(`cut a torn tail: ${torn.name}: ${torn.tail.reason}`);
  if (survey.hardState?.newest !== undefined && !survey.hardState.whole)
    notices.push('wrote a slot of hard-state anew from the other');
  return notices;
}
