import type { Block, HardState, Zxid } from '@zkl/consensus';
import { readDamage } from './damage-file.js';
import type { Disk } from './disk.js';
import { diskError, LogStoreError } from './errors.js';
import type { HardStateRecord } from './hard-state-file.js';
import { type FolderIdentity, readIdentity } from './identity.js';
import { LogMap } from './log-map.js';
import type { ScannedSegment } from './log-scan.js';
import { nodeDisk } from './node-disk.js';
import type { LogPosition } from './segment-file.js';
import { verifySnapshot } from './snapshot-file.js';
import { surveyFolder } from './survey.js';

export interface InspectedSegment {
  readonly name: string;
  readonly sizeBytes: number;
  /** Groups that were written together. */
  readonly frames: number;
  readonly blocks: number;
  readonly writes: number;
  /** The first and last write in the file; a truncation further on may have dropped some of them. */
  readonly first: Zxid | undefined;
  readonly last: Zxid | undefined;
  readonly epochs: readonly number[];
  /** `clean`: zeros follow. `torn`: an interrupted append follows. `damaged`: something that may have been acknowledged follows. */
  readonly tail: 'clean' | 'torn' | 'damaged';
  /** Where that tail begins in the file. */
  readonly tailOffset: number;
  readonly reason: string | undefined;
}

export interface InspectedSnapshot {
  readonly name: string;
  readonly zxid: Zxid;
  readonly origin: 'saved' | 'installed' | undefined;
  /** Bytes of state. */
  readonly stateBytes: number | undefined;
  /** `stale`: overtaken by a truncation or an installed snapshot; the next start removes it. */
  readonly state: 'whole' | 'damaged' | 'stale';
  readonly reason: string | undefined;
}

export interface FolderInspection {
  readonly folder: string;
  /** undefined when the folder has none, or it is unreadable: see `faults`. */
  readonly identity: FolderIdentity | undefined;
  /** What counts. */
  readonly hardState: HardState | undefined;
  /** Both slots; undefined for one that is unreadable. */
  readonly hardStateSlots: readonly (
    (HardState & { readonly number: number; readonly logEnd: LogPosition }) | undefined
  )[];
  readonly segments: readonly InspectedSegment[];
  readonly snapshots: readonly InspectedSnapshot[];
  /** The history that a start would find: after `firstZxid`, up to `lastZxid`. */
  readonly firstZxid: Zxid;
  readonly lastZxid: Zxid;
  readonly committedZxid: Zxid;
  /** Damage that an earlier start noted, and that was not repaired yet. */
  readonly notedDamage: string | undefined;
  /** What is wrong now: each may have cost something that was acknowledged. */
  readonly faults: readonly string[];
  /** Files that were never finished. */
  readonly temporary: readonly string[];
}

/** How a data folder is inspected. */
export interface InspectOptions {
  /** Default: the machine's own. */
  readonly disk?: Disk | undefined;
  /** Told each block in the order of the log. Its payload is a view that holds until the call returns. */
  readonly onBlock?: ((block: Block) => void) | undefined;
  /** Told each truncation where it stands in the log: of the blocks told before, those after this zxid no longer count. */
  readonly onTruncate?: ((to: Zxid) => void) | undefined;
}

/**
 * Reads a data folder and says what is in it, without changing anything. Reads one segment at a time, so large folders are no trouble. The
 * server should be stopped: of a running one, the end of the log may look torn.
 * @throws LogStoreError DISK_FAILED when the folder cannot be read.
 */
export async function inspectFolder(folder: string, options: InspectOptions = {}): Promise<FolderInspection> {
  const disk = options.disk ?? nodeDisk();
  try {
    return await inspect(disk, folder, options);
  } catch (error) {
    throw diskError('inspecting the data folder', error);
  }
}

async function inspect(disk: Disk, folder: string, options: InspectOptions): Promise<FolderInspection> {
  const map = new LogMap(Number.POSITIVE_INFINITY);
  const ignore = (): void => undefined;
  const identity = await identityOf(disk, folder);
  const { onBlock = ignore, onTruncate = ignore } = options;
  const survey = await surveyFolder(disk, folder, map, { onBlock, onTruncate });
  const newest = survey.hardState?.newest;
  const start = survey.snapshots[0]?.zxid ?? map.base;
  return {
    folder,
    identity: identity.found,
    hardState:
      newest === undefined ? undefined : { acceptedEpoch: newest.acceptedEpoch, currentEpoch: newest.currentEpoch },
    hardStateSlots: survey.hardState?.slots.map(slotOf) ?? [],
    segments: survey.log.segments.map(segmentOf),
    snapshots: await snapshotsOf(disk, survey),
    firstZxid: survey.log.started ? map.base : start,
    lastZxid: survey.log.started ? map.last : start,
    committedZxid: survey.log.committed,
    notedDamage: await readDamage(disk, folder),
    faults: [...identity.faults, ...survey.faults],
    temporary: survey.temporary,
  };
}

async function identityOf(
  disk: Disk,
  folder: string,
): Promise<{ found: FolderIdentity | undefined; faults: string[] }> {
  try {
    const found = await readIdentity(disk, folder);
    return { found, faults: [] };
  } catch (error) {
    if (error instanceof LogStoreError) return { found: undefined, faults: [error.message] };
    throw error;
  }
}

function slotOf(slot: HardStateRecord | undefined): FolderInspection['hardStateSlots'][number] {
  return slot === undefined ? undefined : { ...slot };
}

function segmentOf(segment: ScannedSegment): InspectedSegment {
  const { name, frames, blocks, writes, first, last, epochs, tail, file } = segment;
  const reason = tail.kind === 'clean' ? undefined : tail.reason;
  const sizeBytes = file?.sizeBytes ?? 0;
  return {
    name,
    sizeBytes,
    frames,
    blocks,
    writes,
    first,
    last,
    epochs,
    tail: tail.kind,
    tailOffset: file?.end ?? 0,
    reason,
  };
}

async function snapshotsOf(disk: Disk, survey: Awaited<ReturnType<typeof surveyFolder>>): Promise<InspectedSnapshot[]> {
  const found: InspectedSnapshot[] = [];
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  for (const info of survey.snapshots) {
    const { zxid, origin, stateBytes, path } = info;
    const reason = await verifySnapshot(disk, info).then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    found.push({
      name: nameOf(path),
      zxid,
      origin,
      stateBytes,
      state: reason === undefined ? 'whole' : 'damaged',
      reason,
    });
  }
  for (const { zxid, origin, stateBytes, path } of survey.staleSnapshots) {
    found.push({ name: nameOf(path), zxid, origin, stateBytes, state: 'stale', reason: undefined });
  }
  for (const { name, zxid, reason } of survey.badSnapshots) {
    found.push({ name, zxid, origin: undefined, stateBytes: undefined, state: 'damaged', reason });
  }
  return found;
}
