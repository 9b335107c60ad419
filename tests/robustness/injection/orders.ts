/**
 * What a server process is told to suffer, from outside: a file of JSON beside its data folder, which the module that is loaded into it (`preload.ts`)
 * reads again and again.
 */
export interface Orders {
  /** Grows with each version of the file. */
  readonly version: number;
  readonly disk?: DiskTrouble | undefined;
  readonly clock?: ClockTrouble | undefined;
}

/** Of files in the data folder only. */
export interface DiskTrouble {
  /** Calls that fail, with which error. `sync` is fsync, and every write to a file that was opened with O_DSYNC, which is one. */
  readonly fail?: { readonly calls: readonly DiskCall[]; readonly code: 'EIO' | 'ENOSPC' | 'EROFS' } | undefined;
  /** So many calls of those go well before the first one fails. Default 0. */
  readonly after?: number | undefined;
  /** No file may grow, and none may be made: ENOSPC, as on a file system that is full. What has its room is written. */
  readonly full?: boolean | undefined;
  /** Every write and sync takes so much longer, in milliseconds. */
  readonly slowMs?: number | undefined;
  /** Writes write only a part, and say so, as the system may. */
  readonly short?: boolean | undefined;
}

export type DiskCall = 'write' | 'sync' | 'read' | 'rename' | 'open';

export interface ClockTrouble {
  /** What the wall clock shows is so much off, in milliseconds. */
  readonly wallOffsetMs?: number | undefined;
  /** How fast the monotonic clock and all timers run: 1.04 is four percent fast. Default 1. */
  readonly rate?: number | undefined;
}

/** Where the orders for the server with this data folder stand. */
export function ordersFileOf(dataFolder: string): string {
  return `${dataFolder}.orders.json`;
}

/** Where that server says which version it has read: a bare number. */
export function obeyedFileOf(dataFolder: string): string {
  return `${dataFolder}.obeyed`;
}
