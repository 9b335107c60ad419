/** What kind of trouble it is; the server's exit code follows from it. */
export type LogStoreErrorKind = 'configuration' | 'disk' | 'damage' | 'input';

const KINDS = {
  /** A live process (or this one) has the folder open. */
  FOLDER_IN_USE: 'configuration',
  /** The folder belongs to a server with another id. */
  FOLDER_OF_OTHER_SERVER: 'configuration',
  /** The folder belongs to another cluster. */
  FOLDER_OF_OTHER_CLUSTER: 'configuration',
  /** The path exists and is no folder. */
  FOLDER_NOT_A_FOLDER: 'configuration',
  /** The folder cannot be created, read or written by this user. */
  FOLDER_NOT_WRITABLE: 'configuration',
  /** The folder holds files that are not zkl's. */
  FOLDER_FOREIGN: 'configuration',
  /** The folder was written by a version with another format. */
  FOLDER_FORMAT_UNKNOWN: 'configuration',
  /** The identity of the folder is unreadable. */
  FOLDER_DAMAGED: 'damage',
  /** No room for the next segment or snapshot. Nothing was written; it may be tried again, and reads go on. */
  DISK_FULL: 'disk',
  /** A write, sync or rename failed: what is durable is unknown, so the store takes no further writes. Never retried. */
  DISK_FAILED: 'disk',
  /** A block of the log that was readable before is not any more. Nothing wrong was served. */
  LOG_DAMAGED: 'damage',
  /** A snapshot is unreadable. Nothing wrong was served. */
  SNAPSHOT_DAMAGED: 'damage',
  /** A snapshot that is being saved was overtaken by a truncation or an installation. */
  SNAPSHOT_OVERTAKEN: 'input',
  /** Bytes that should be a record are none. */
  RECORD_INVALID: 'input',
  /** The store was closed. */
  STORE_CLOSED: 'input',
} as const satisfies Record<string, LogStoreErrorKind>;

/** Stable: programs may compare it; the sentence beside it may change. */
export type LogStoreErrorCode = keyof typeof KINDS;

/** Every expected failure of this package. */
export class LogStoreError extends Error {
  override readonly name = 'LogStoreError';
  readonly code: LogStoreErrorCode;

  constructor(code: LogStoreErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get kind(): LogStoreErrorKind {
    return KINDS[this.code];
  }

  /** The exit code of a server that ends because of it: 2 configuration, 3 disk, 4 damage, 1 for the rest. */
  get exitCode(): 1 | 2 | 3 | 4 {
    const codes = { configuration: 2, disk: 3, damage: 4, input: 1 } as const;
    return codes[this.kind];
  }
}

/** The code that the operating system (or a Disk) gave an error: ENOENT, ENOSPC, EIO, ... . */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Turns an error of the disk into a typed one. Typed ones pass unchanged, and so does what is no error of the disk: a bug, an abort. */
export function diskError(doing: string, cause: unknown): Error {
  const code = systemCodeOf(cause);
  if (cause instanceof LogStoreError) return cause;
  if (code === undefined) return cause instanceof Error ? cause : new Error(String(cause));
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new LogStoreError(
      'DISK_FULL',
      `No room on the disk while ${doing}: free some space; it goes on by itself.`,
      { cause },
    );
  }
  return new LogStoreError(
    'DISK_FAILED',
    `The disk failed (${code}) while ${doing}: check the disk and its mount, then start the server again.`,
    { cause },
  );
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof LogStoreError && error.code === 'DISK_FULL';
}

/** For what must never happen. On in production: a store that is wrong about itself must not go on. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`log-store invariant broken: ${message}`);
}
