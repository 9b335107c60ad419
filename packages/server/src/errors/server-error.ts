/** Why a server did not start, or its run ended. Stable names. */
export type ServerErrorCode =
  /** An option is missing, unknown or out of range; or options contradict each other. */
  | 'CONFIGURATION'
  | 'PORT_IN_USE'
  | 'ADDRESS_NOT_AVAILABLE'
  /** A live process holds the data folder. */
  | 'DATA_FOLDER_IN_USE'
  /** The data folder is of another server or another cluster, or of a format that this version cannot read. */
  | 'DATA_FOLDER_FOREIGN'
  /** The data folder cannot be created, read or written. */
  | 'DATA_FOLDER_UNUSABLE'
  /** Writing or syncing the log failed, or reading it did: nothing more can be promised. */
  | 'DISK'
  /** Data that may have been acknowledged is unreadable, and there is no other server that could have it. */
  | 'DAMAGE'
  /** Anything else: a defect. */
  | 'INTERNAL';

/** What the process exits with. 0 is a stop in good order. */
export const EXIT_CODES = {
  CONFIGURATION: 2,
  PORT_IN_USE: 2,
  ADDRESS_NOT_AVAILABLE: 2,
  DATA_FOLDER_IN_USE: 2,
  DATA_FOLDER_FOREIGN: 2,
  DATA_FOLDER_UNUSABLE: 2,
  DISK: 3,
  DAMAGE: 4,
  INTERNAL: 1,
} as const satisfies Record<ServerErrorCode, number>;

/** Why a server did not start, or its run ended. The message says what happened and what to do, and names no secret. */
export class ServerError extends Error {
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerError';
    this.code = code;
  }

  /** What a process that ends for this reason exits with. */
  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}
