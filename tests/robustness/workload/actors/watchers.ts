import type { Calls, Client, Watch, WatchEvent, WatchStep } from '@zkl/client-sdk';
import type { HistoryRecord, WatchedChange } from '@zkl/simulator/history';
import { nowUs } from '../../history/history-recorder.js';
import { tolerating, type Stage } from '../actor.js';
import { place, seenOf, textOf } from '../caller.js';

/** How often a watcher leaves, and comes back from the zxid that it had seen, in milliseconds. */
const STAY_MS_MAX = 10_000;

type Scope = 'node' | 'children' | 'subtree';

/** What is watched, and whether the watcher leaves now and then. */
export interface WatchPlan {
  readonly path: string;
  readonly scope: Scope;
  readonly leaves: boolean;
}

/**
 * One watcher: records each step that it is told. One that leaves goes on from its zxid with a watch of another stream, as a process that
 * was started again does: nothing may be missing between.
 */
export class Watcher {
  readonly #stage: Stage;
  readonly #name: string;
  readonly #client: Client;
  readonly #plan: WatchPlan;
  readonly #ended = new Set<number>();
  #watches = 0;
  /** Everything up to here was told. */
  #told = 0n;
  #isEnding = false;
  #leave: AbortController = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(stage: Stage, name: string, client: Client, plan: WatchPlan) {
    this.#stage = stage;
    this.#name = name;
    this.#client = client;
    this.#plan = plan;
  }

  /** Resolves once it watches. */
  async start(): Promise<void> {
    const watch = this.#open(this.#client, undefined);
    const since = await watch.ready();
    this.#done = this.#follow(watch, since);
  }

  /** Waits until it was told everything up to a zxid, and ends. @throws Error when that takes too long: something was not told. */
  async end(upTo: bigint, timeoutMs: number): Promise<void> {
    this.#isEnding = true;
    const deadline = performance.now() + timeoutMs;
    while (this.#told < upTo) {
      if (performance.now() > deadline) {
        throw new Error(
          `a watch of ${this.#plan.path} (${this.#plan.scope}) was told up to ${this.#told} in ${timeoutMs} ms, and not up to ${upTo}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#leave.abort();
    await this.#done;
  }

  #open(calls: Calls, from: bigint | undefined): Watch {
    const { path, scope } = this.#plan;
    this.#leave = new AbortController();
    return calls.watch(path, { scope, from, data: true, stat: true, previousData: true, signal: this.#leave.signal });
  }

  async #follow(watch: Watch, since: bigint): Promise<void> {
    let current = watch;
    this.#told = since;
    for (;;) {
      this.#watches += 1;
      const { path, scope } = this.#plan;
      this.#record({ event: 'opened', path, scope, since: place(this.#told) });
      const leave = this.#leave;
      const timer = this.#plan.leaves
        ? setTimeout(() => this.#isEnding || leave.abort(), this.#stage.random.below(STAY_MS_MAX))
        : undefined;
      await tolerating(async () => {
        for await (const step of current.steps()) this.#onStep(step);
      });
      clearTimeout(timer);
      if (this.#isEnding && leave.signal.aborted) return;
      current = this.#open(this.#client, this.#told);
    }
  }

  #onStep(step: WatchStep): void {
    const zxid = place(step.zxid);
    if (step.kind === 'events') {
      this.#record({ event: 'batch', zxid, events: step.events.map(toChange) });
      for (const event of step.events) this.#noteEnd(event, zxid);
    } else if (step.kind === 'progress') this.#record({ event: 'progress', zxid });
    else {
      const nodes = step.reset.nodes.map(({ path, stat, data }) => ({ path, value: textOf(data), ...seenOf(stat) }));
      this.#record({ event: 'reset', zxid, nodes });
    }
    this.#told = step.zxid;
  }

  /** Nobody here deletes an ephemeral znode: where one goes, its session has ended. */
  #noteEnd({ type, stat }: Exclude<WatchEvent, { type: 'reset' }>, zxid: number): void {
    if (type !== 'deleted' || stat === undefined || stat.ephemeralOwner === 0n) return;
    const session = place(stat.ephemeralOwner);
    if (this.#ended.has(session)) return;
    this.#ended.add(session);
    this.#stage.recorder.record({ kind: 'session', client: this.#name, session, at: nowUs(), event: 'ended', zxid });
  }

  #record(fields: object): void {
    const record = {
      kind: 'watch',
      client: this.#name,
      watch: `${this.#name}#${this.#watches}`,
      at: nowUs(),
      ...fields,
    };
    this.#stage.recorder.record(record as HistoryRecord);
  }
}

function toChange(event: Exclude<WatchEvent, { type: 'reset' }>): WatchedChange {
  const { type, path } = event;
  return {
    type,
    path,
    ...(type === 'deleted' ? {} : { value: textOf(event.data) }),
    ...(event.stat === undefined ? {} : { version: event.stat.version }),
    ...(type === 'created' ? {} : { previous: textOf(event.previousData) }),
  };
}
