import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { isWrite, type HistoryRecord } from '@zkl/simulator/history';

/** Records that one history holds, at most: they are checked in memory, at some 400 bytes each. */
const RECORDS_MAX = 5_000_000;

/** Microseconds on the system's monotonic clock, the same for all processes of a machine. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/**
 * Keeps what clients did and saw, in the order in which they knew it: in memory for the checker and, if a file is named, as JSON
 * lines, so that a history with an anomaly can be looked at and checked again. The format: docs/testing.md, Histories.
 */
export class HistoryRecorder implements AsyncDisposable {
  readonly #records: HistoryRecord[] = [];
  readonly #file: WriteStream | undefined;
  readonly #onRecord: ((record: HistoryRecord) => void) | undefined;
  #fileError: Error | undefined;
  #acknowledged = 0;

  /**
   * @param options.path - The file to add to; none when left out.
   * @param options.onRecord - Is told every record as it comes.
   */
  constructor(
    options: {
      readonly path?: string | undefined;
      readonly onRecord?: ((record: HistoryRecord) => void) | undefined;
    } = {},
  ) {
    this.#onRecord = options.onRecord;
    if (options.path === undefined) return;
    this.#file = createWriteStream(options.path, { flags: 'a' });
    this.#file.on('error', (error) => {
      this.#fileError = error;
    });
  }

  /** What was recorded so far. */
  get history(): readonly HistoryRecord[] {
    return this.#records;
  }

  /** The highest zxid that was acknowledged to anybody so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** @throws Error when the history is full, or its file could not be written: a trial that is not recorded proves nothing. */
  record(record: HistoryRecord): void {
    if (this.#fileError !== undefined) throw this.#fileError;
    if (this.#records.length >= RECORDS_MAX) throw new Error(`a history holds ${RECORDS_MAX} records at most`);
    this.#records.push(record);
    if (isWrite(record) && record.zxid !== undefined && record.zxid > this.#acknowledged)
      this.#acknowledged = record.zxid;
    this.#file?.write(`${JSON.stringify(record)}\n`);
    this.#onRecord?.(record);
  }

  /** Resolves when the file holds everything. */
  async close(): Promise<void> {
    const file = this.#file;
    if (file !== undefined && !file.closed) {
      file.end();
      if (this.#fileError === undefined) await once(file, 'close');
    }
    if (this.#fileError !== undefined) throw this.#fileError;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
