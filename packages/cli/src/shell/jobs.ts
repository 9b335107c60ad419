import type { Output } from '../output/output.js';
import { showError } from './run-invocation.js';

/** Jobs of one shell at the same time. */
export const JOBS_MAX = 100;

/** What goes on behind the prompt: a watch, a lock that is held. */
export interface Job {
  readonly id: number;
  /** The line that began it. */
  readonly title: string;
}

/** What runs as a job: until its work is done, or until the signal is aborted. Its output does not break the line that is being typed. */
export type JobWork = (output: Output, signal: AbortSignal) => Promise<void>;

interface RunningJob extends Job {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** The jobs of one shell. They end with it. */
export class Jobs {
  readonly #output: () => Output;
  readonly #running = new Map<number, RunningJob>();
  #lastId = 0;

  /** @param output - Makes the output of a job: one that writes above the prompt. */
  constructor(output: () => Output) {
    this.#output = output;
  }

  /** In the order in which they were begun. */
  list(): Job[] {
    return [...this.#running.values()].map(({ id, title }) => ({ id, title }));
  }

  get isFull(): boolean {
    return this.#running.size >= JOBS_MAX;
  }

  /** Begins a job. An error that ends it is shown as that of a command is. */
  start(title: string, output: Output, work: JobWork): Job {
    const id = (this.#lastId += 1);
    const abort = new AbortController();
    const ended = this.#run(work, this.#output().withJson(output.json, output.colors), abort.signal, title).finally(
      () => this.#running.delete(id),
    );
    this.#running.set(id, { id, title, abort, ended });
    return { id, title };
  }

  /** Ends one job, or all, and resolves when they have ended. @returns Those that it ended. */
  async stop(id?: number): Promise<Job[]> {
    const stopped = [...this.#running.values()].filter((job) => id === undefined || job.id === id);
    for (const { abort } of stopped) abort.abort(new DOMException('stopped', 'AbortError'));
    await Promise.all(stopped.map(({ ended }) => ended));
    return stopped.map((job) => ({ id: job.id, title: job.title }));
  }

  async #run(work: JobWork, output: Output, signal: AbortSignal, title: string): Promise<void> {
    try {
      await work(output, signal);
    } catch (error) {
      // Whoever stopped it knows that it ended.
      if (!signal.aborted) showError(output, error, { command: title, isWrite: false });
    }
  }
}
