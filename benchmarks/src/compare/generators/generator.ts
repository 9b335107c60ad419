import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endProcess, lastLines, startProcess } from '../systems/process.js';
import type { Launch } from '../systems/system.js';

/** One line of a generator: what happened, and numbers with it. */
export type GeneratorEvent = { readonly event: string } & Readonly<Record<string, number | string>>;

/** Arguments of a generator, as `key=value`. */
export type GeneratorArgs = Readonly<Record<string, string | number>>;

const EVENT_TIMEOUT_MS = 600_000;

/** A process that makes load, and tells what it measured as JSON, one object a line. */
export class Generator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #events: GeneratorEvent[] = [];
  readonly #seen: GeneratorEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  private constructor(child: ChildProcess, logFile: string) {
    this.#child = child;
    this.#logFile = logFile;
    if (child.stdout === null) throw new Error('a generator speaks on its standard output');
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const event = JSON.parse(line) as GeneratorEvent;
      this.#events.push(event);
      this.#seen.push(event);
      this.#wake?.();
    });
    lines.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  static start(launch: Launch, args: GeneratorArgs, logFile: string): Generator {
    const words = Object.entries(args).map(([key, value]) => `${key}=${value}`);
    return new Generator(startProcess({ ...launch, args: [...launch.args, ...words] }, logFile, 'pipe'), logFile);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Everything that it told of one kind until now. */
  told(event: string): readonly GeneratorEvent[] {
    return this.#seen.filter((each) => each.event === event);
  }

  /** The next event of this kind; others before it are passed over. @throws Error when the generator ends without it. */
  async next(event: string, timeoutMs = EVENT_TIMEOUT_MS): Promise<GeneratorEvent> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.#events.shift();
      if (found?.event === event) return found;
      if (found !== undefined) continue;
      if (this.#ended) throw new Error(`the generator ended before "${event}": ${await lastLines(this.#logFile)}`);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`the generator did not tell "${event}" within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#child);
  }
}
