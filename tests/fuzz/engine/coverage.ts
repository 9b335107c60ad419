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

  /** The blocks that were run since the last call. */
  async take(): Promise<Set<string>> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const blocks = new Set<string>();
    for (const { url, scriptId, functions } of result) {
      if (!isOurs(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges as Range[]) {
          if (count > 0)
            blocks.add(`${scriptId} ${startOffset} ${endOffset} ${Math.min(2, Math.floor(Math.log10(count)))}`);
        }
      }
    }
    return blocks;
  }

  /** Those of them that never were before. */
  async fresh(): Promise<Set<string>> {
    const blocks = await this.take();
    for (const block of blocks) {
      if (this.#seen.has(block)) blocks.delete(block);
      else this.#seen.add(block);
    }
    return blocks;
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
