import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { FinalChild, History, Operation } from './operation.js';

/** Operations that one history holds, at most: they are checked in memory, at some 400 bytes each. */
const OPERATIONS_MAX = 5_000_000;

/** Microseconds on the system's monotonic clock, the same for all processes of a machine. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/**
 * Keeps what clients did, in the order in which their calls ended: in memory for the checker and, if a file is named, as one
 * JSON object a line, so that a history with an anomaly can be looked at and checked again. The format: docs/testing-robustness.md.
 */
export class HistoryRecorder implements AsyncDisposable {
  readonly #operations: Operation[] = [];
  readonly #children: FinalChild[] = [];
  readonly #file: WriteStream | undefined;
  readonly #onRecord: ((operation: Operation) => void) | undefined;
  #fileError: Error | undefined;

  /**
   * @param options.path - The file to write; none when left out.
   * @param options.onRecord - Is told every operation as it ends.
   */
  constructor(
    options: {
      readonly path?: string | undefined;
      readonly onRecord?: ((operation: Operation) => void) | undefined;
    } = {},
  ) {
    this.#onRecord = options.onRecord;
    if (options.path === undefined) return;
    this.#file = createWriteStream(options.path);
    this.#file.on('error', (error) => {
      this.#fileError = error;
    });
  }

  /** What was recorded so far. */
  get history(): History {
    return { operations: this.#operations, children: this.#children };
  }

  /** @throws Error when the history is full, or its file could not be written: a trial that is not recorded proves nothing. */
  record(operation: Operation): void {
    if (this.#fileError !== undefined) throw this.#fileError;
    if (this.#operations.length >= OPERATIONS_MAX)
      throw new Error(`a history holds ${OPERATIONS_MAX} operations at most`);
    this.#operations.push(operation);
    this.#file?.write(`${JSON.stringify(operation)}\n`);
    this.#onRecord?.(operation);
  }

  /** What stands under a parent when all is over. */
  recordChild(child: FinalChild): void {
    this.#children.push(child);
    this.#file?.write(`${JSON.stringify(child)}\n`);
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
