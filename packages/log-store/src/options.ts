import { randomInt } from 'node:crypto';
import type { Disk } from './disk.js';
import { invariant } from './errors.js';
import { CONTROL_RESERVE_BYTES, SEGMENT_HEADER_BYTES } from './format.js';
import { nodeDisk } from './node-disk.js';

export interface FileLogStoreOptions {
  /** The data folder; created when it is missing. Nobody else may have it open: `openDataFolder` sees to that. */
  readonly folder: string;
  /** Access to files. Default: the operating system's. */
  readonly disk?: Disk | undefined;
  /** A random whole number, 0 .. 2^32 - 1: the salts that tell one use of a file from another. Default: from node:crypto. */
  readonly random?: (() => number) | undefined;
  /** Size of a segment of the log, in bytes. Default 16 MiB; at least 4 KiB. */
  readonly segmentBytes?: number | undefined;
  /** The newest blocks are kept in memory up to this many bytes. Default 32 MiB; 0 for none. */
  readonly cacheBytes?: number | undefined;
  /** How many snapshots are kept. Default 2; at least 1. */
  readonly snapshotsKept?: number | undefined;
  /** At least this many bytes of log are kept behind the newest snapshot, if there were so many, for learners that lag. Default 64 MiB. */
  readonly logRetainedBytes?: number | undefined;
  /** Distance of entries in the log's index, in bytes. Default 64 KiB. */
  readonly indexEveryBytes?: number | undefined;
  /** Called at the end of `close`, whatever happened before: gives back what the folder was taken with. Default: nothing. */
  readonly release?: (() => Promise<void>) | undefined;
  /** Told, in a sentence, of what recovery did: a torn tail cut, a bad snapshot set aside. Default: nobody. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** The options with every default filled in. */
export type StoreSettings = {
  readonly [Key in keyof FileLogStoreOptions]-?: Exclude<FileLogStoreOptions[Key], undefined>;
};

export const SEGMENT_BYTES_MIN = 4096;

const MEBIBYTE = 1024 * 1024;

export function settingsOf(options: FileLogStoreOptions): StoreSettings {
  const settings: StoreSettings = {
    folder: options.folder,
    disk: options.disk ?? nodeDisk(),
    random: options.random ?? ((): number => randomInt(0x1_0000_0000)),
    segmentBytes: options.segmentBytes ?? 16 * MEBIBYTE,
    cacheBytes: options.cacheBytes ?? 32 * MEBIBYTE,
    snapshotsKept: options.snapshotsKept ?? 2,
    logRetainedBytes: options.logRetainedBytes ?? 64 * MEBIBYTE,
    indexEveryBytes: options.indexEveryBytes ?? 65_536,
    release: options.release ?? ((): Promise<void> => Promise.resolve()),
    onNotice: options.onNotice ?? ((): void => undefined),
  };
  invariant(SEGMENT_BYTES_MIN > SEGMENT_HEADER_BYTES + CONTROL_RESERVE_BYTES, 'the smallest segment has no room');
  if (settings.segmentBytes < SEGMENT_BYTES_MIN)
    throw new RangeError(`segmentBytes must be at least ${SEGMENT_BYTES_MIN}`);
  if (settings.snapshotsKept < 1) throw new RangeError('snapshotsKept must be at least 1');
  return settings;
}
