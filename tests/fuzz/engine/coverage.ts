import { Session } from 'node:inspector/promises';

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/**
 * What V8 has run of our sources, by block: what makes fuzzing coverage-guided without any instrumentation. One at a time in a process.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  /** Begins to count. */
  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Whether a block was run since the last call that never was before, or ten times as often. */
  async hasFresh(): Promise<boolean> {
    const before = this.#seen.size;
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    for (const { url, scriptId, functions } of result) {
      if (!isOurs(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges as Range[]) {
          const often = Math.min(2, Math.floor(Math.log10(count)));
          if (count > 0) this.#seen.add(`${scriptId} ${startOffset} ${endOffset} ${often}`);
        }
      }
    }
    return this.#seen.size > before;
  }

  /** Blocks that ever ran. */
  get blocks(): number {
    return this.#seen.size;
  }

  async stop(): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}

function isOurs(url: string): boolean {
  return url.includes('/packages/') && !url.includes('/node_modules/') && !url.includes('/gen/');
}
