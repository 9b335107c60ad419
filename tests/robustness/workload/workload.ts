import { createClient, type Client, type NodeClientOptions } from '@zkl/client-sdk';
import type { HistoryRecorder } from '../history/history-recorder.js';
import type { Actor, Stage } from './actor.js';
import { accountPaths } from './actors/trees.js';
import { Watcher } from './actors/watchers.js';
import { Caller, isDone } from './caller.js';
import { ALL_PARTS, PINNED_PARTS, watchPlans, type Part } from './cast.js';
import { Random } from './random.js';

/** What a {@link Workload} does, and how much. */
export interface WorkloadOptions {
  /** How clients reach the servers. */
  readonly reach: Pick<NodeClientOptions, 'endpoints' | 'connect'>;
  readonly recorder: HistoryRecorder;
  /** A znode of this workload's own, directly under the root, such as `/kill-leader`. */
  readonly root: string;
  /** Default: {@link ALL_PARTS}. */
  readonly parts?: readonly Part[] | undefined;
  /** Servers that have a client each that talks to no other. Default none. */
  readonly pinnedTo?: readonly number[] | undefined;
  /** How many watch. Default all of {@link watchPlans}. */
  readonly watchersMax?: number | undefined;
  /** The longest pause after a call, in milliseconds; at random up to that. 0 is none. Default 20. */
  readonly pauseMsMax?: number | undefined;
  /** The deadline of the roamers' calls. Default 15,000. */
  readonly timeoutMs?: number | undefined;
  readonly seed?: number | undefined;
}

const PAUSE_MS_MAX = 20;

/** Clients that do all that the SDK offers, without a rest, until they are told to stop; every call of theirs is recorded, and all that they are told. */
export class Workload implements AsyncDisposable {
  readonly #options: WorkloadOptions;
  readonly #stage: Stage;
  readonly #stop = new AbortController();
  readonly #clients: Client[] = [];
  readonly #watchers: Watcher[] = [];
  #acts: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  #added = 0;

  private constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#stage = {
      root: options.root,
      recorder: options.recorder,
      random: new Random(options.seed ?? 1),
      signal: this.#stop.signal,
      pauseMsMax: options.pauseMsMax ?? PAUSE_MS_MAX,
      timeoutMs: options.timeoutMs ?? 15_000,
    };
  }

  /** Makes what the workload needs, and sets its clients off. */
  static async start(options: WorkloadOptions): Promise<Workload> {
    const workload = new Workload(options);
    try {
      await workload.#prepare();
      await workload.#begin();
    } catch (error) {
      await workload.#close();
      throw error;
    }
    return workload;
  }

  /** A znode that the load sets all the time: what is read of it tells at once when it is old. */
  get busyKey(): string {
    return `${this.#options.root}/counter`;
  }

  get root(): string {
    return this.#options.root;
  }

  /** Clients that go wherever they are served best: none of their calls may fail while a majority is there. (Sessions may expire.) */
  isRoamer(client: string): boolean {
    return !client.startsWith('pinned-') && !client.startsWith('added-') && !client.includes('/');
  }

  /**
   * One more client, which makes no call by itself, for calls that a test makes: they stand in the same history.
   *
   * @param options.server - The only server that it talks to.
   * @param options.timeoutMs - The deadline of its calls, and how long it waits for one attempt.
   */
  addCaller(options: {
    readonly server?: number | undefined;
    readonly timeoutMs: number;
  }): Caller & { readonly client: Client } {
    const { server, timeoutMs } = options;
    const client = this.#client({ server, attemptTimeoutMs: timeoutMs });
    const caller = new Caller(`added-${this.#added++}`, client, this.#options.recorder, { timeoutMs });
    return Object.assign(caller, { client });
  }

  /**
   * Ends what clients do, waits for their calls, and records what is there in the end; watches are told everything before they end.
   *
   * @throws what a client threw that was no answer of the cluster.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#acts;
    if (this.#failure !== undefined) throw this.#failure;
    const reader = this.#caller('reader', {});
    await this.#readAll(reader);
    const upTo = BigInt(this.#options.recorder.acknowledged);
    await Promise.all(this.#watchers.map((watcher) => watcher.end(upTo, 30_000)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#acts;
    await Promise.all(this.#watchers.map((watcher) => watcher.stop()));
    await this.#close();
  }

  get #parts(): readonly Part[] {
    return this.#options.parts ?? ALL_PARTS;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #client(options: Partial<NodeClientOptions>): Client {
    const client = createClient({ ...this.#options.reach, ...options });
    this.#clients.push(client);
    return client;
  }

  #caller(name: string, options: Partial<NodeClientOptions>, timeoutMs = this.#stage.timeoutMs): Caller {
    return new Caller(name, this.#client(options), this.#options.recorder, { timeoutMs });
  }

  async #prepare(): Promise<void> {
    const { root } = this.#stage;
    const first = this.#caller('first', {});
    const folders = ['', '/keys', '/sequence', '/trees', '/accounts', '/sessions'];
    const guarded = ['lock', 'election'].map((kind) => `${root}/guarded-${kind}`);
    const made = [
      ...(await inOrder(folders, (name) => first.create(`${root}${name}`))),
      ...(await inOrder(accountPaths(root), (path) => first.create(path, { value: '100 first' }))),
      ...(await inOrder(guarded, (path) => first.create(path))),
      ...(await inOrder(guarded, (path) => first.create(`${path}/token`, { value: '0' }))),
      await first.create(`${root}/counter`, { value: '0' }),
    ];
    if (!made.every(isDone)) throw new Error(`what the workload needs below ${root} could not be made`);
    for (const [index, plan] of watchPlans(root).slice(0, this.#options.watchersMax).entries()) {
      const name = `watcher-${index}`;
      this.#watchers.push(new Watcher(this.#stage, name, this.#client({}), plan));
    }
    await Promise.all(this.#watchers.map((watcher) => watcher.start()));
  }

  async #begin(): Promise<void> {
    const acts: Promise<void>[] = [];
    const play = (actor: Actor, name: string, options: Partial<NodeClientOptions>, timeoutMs?: number): void => {
      const client = this.#client(options);
      const caller = new Caller(name, client, this.#options.recorder, {
        timeoutMs: timeoutMs ?? this.#stage.timeoutMs,
      });
      acts.push(this.#guard(actor(this.#stage, caller, client)));
    };
    for (const { name, actor, count } of this.#parts) {
      for (let index = 0; index < count; index += 1) play(actor, `${name}-${index}`, {});
    }
    for (const server of this.#options.pinnedTo ?? []) {
      for (const { name, actor, timeoutMs } of PINNED_PARTS) play(actor, `${name}-${server}`, { server }, timeoutMs);
    }
    this.#acts = Promise.all(acts);
  }

  async #guard(act: Promise<void>): Promise<void> {
    try {
      await act;
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      this.#stop.abort();
    }
  }

  /** What is there when nothing is under way any more. */
  async #readAll(reader: Caller): Promise<void> {
    const { root } = this.#stage;
    for (const folder of ['', '/keys', '/sequence', '/trees', '/accounts', '/sessions']) {
      let startAfter: string | undefined = '';
      while (startAfter !== undefined) {
        const page = await reader.children(`${root}${folder}`, { withData: true, startAfter });
        const last = page.entries?.at(-1);
        startAfter = page.more === true && typeof last === 'object' ? last.name : undefined;
      }
    }
    await reader.multiRead(accountPaths(root), `${root}/accounts`);
    if (this.#parts.some(({ name }) => name === 'register')) await reader.registerRead();
  }
}

async function inOrder<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await act(item));
  return results;
}
