import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@zkl/client-sdk';
import type { HistoryRecorder } from '../history/history-recorder.js';
import type { Operation } from '../history/operation.js';
import { Caller, REGISTER_PATH } from './caller.js';
import { Random } from './random.js';

/** What a {@link Workload} does, and how much. */
export interface WorkloadOptions {
  readonly endpoints: readonly string[];
  readonly recorder: HistoryRecorder;
  /** A znode of this workload's own, directly under the root, such as `/kill-leader`. */
  readonly root: string;
  /** Clients that go wherever they are served best. Default 4. */
  readonly roamers?: number | undefined;
  /** Servers that have a client each that talks to no other: it writes through followers, and reads from them. Default none. */
  readonly pinnedTo?: readonly number[] | undefined;
  /** Calls under way at a time for each roaming client; pinned ones have one. Default 2. */
  readonly callsInFlight?: number | undefined;
  /** Znodes that are set and read, beside the register service's. Default 4. */
  readonly registers?: number | undefined;
  /** The longest pause after a call, in milliseconds; at random up to that. 0 is none. Default 4. */
  readonly pauseMsMax?: number | undefined;
  /** The deadline of the roamers' calls. Default 15,000. Pinned clients give up after 1,000: their server may be down. */
  readonly timeoutMs?: number | undefined;
  readonly seed?: number | undefined;
}

const PINNED_TIMEOUT_MS = 1_000;

/**
 * Clients that write and read without a pause until they are told to stop, every call of theirs recorded: sequential znodes, sets,
 * conditional sets, guesses, linearizable and local reads.
 */
export class Workload implements AsyncDisposable {
  readonly #callers: readonly Caller[];
  readonly #roamers: number;
  readonly #added: Caller[] = [];
  readonly #options: WorkloadOptions;
  readonly #random: Random;
  readonly #appendPath: string;
  readonly #registers: readonly string[];
  readonly #pauseMsMax: number;
  readonly #stop = new AbortController();
  /** What each client last saw of each register: what conditional sets and guesses are made from. */
  readonly #seen = new Map<Caller, Map<string, { readonly version: number; readonly value: string }>>();
  #loops: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  #nextId = 1_000;

  private constructor(options: WorkloadOptions) {
    this.#options = options;
    const { endpoints, recorder, root, roamers = 4, pinnedTo = [], timeoutMs = 15_000 } = options;
    const free = Array.from(
      { length: roamers },
      (_, id) => new Caller(id, createClient({ endpoints }), recorder, timeoutMs),
    );
    const pinned = pinnedTo.map(
      (server) => new Caller(roamers + server, createClient({ endpoints, server }), recorder, PINNED_TIMEOUT_MS),
    );
    this.#callers = [...free, ...pinned];
    this.#roamers = roamers;
    this.#random = new Random(options.seed ?? 1);
    this.#pauseMsMax = options.pauseMsMax ?? 4;
    this.#appendPath = `${root}/appends`;
    this.#registers = [
      REGISTER_PATH,
      ...Array.from({ length: options.registers ?? 4 }, (_, index) => `${root}/register-${index}`),
    ];
  }

  /** Makes what the workload needs, and sets its clients off. */
  static async start(options: WorkloadOptions): Promise<Workload> {
    const workload = new Workload(options);
    try {
      await workload.#prepare(options.root);
    } catch (error) {
      await workload.#close();
      throw error;
    }
    const { roamers } = workload;
    workload.#loops = Promise.all(
      workload.#callers.flatMap((caller, index) =>
        Array.from({ length: index < roamers ? (options.callsInFlight ?? 2) : 1 }, () => workload.#loop(caller)),
      ),
    );
    return workload;
  }

  /** The clients: first those that go wherever they are served best, then the pinned ones, in the order they were given. */
  get callers(): readonly Caller[] {
    return this.#callers;
  }

  /** How many go wherever they are served best: their ids are the numbers below. */
  get roamers(): number {
    return this.#roamers;
  }

  /**
   * Ends the clients' loops, waits for their calls, and records what is there in the end.
   *
   * @throws what a client threw that was no answer of the cluster.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    if (this.#failure !== undefined) throw this.#failure;
    const [reader] = this.#callers;
    if (reader === undefined) return;
    for (const path of this.#registers) await reader.get(path, 'linearizable');
    await reader.recordChildren(this.#appendPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    await this.#close();
  }

  /** A znode that is a register, for calls beside the load's. */
  get register(): string {
    return this.#registers[1] ?? REGISTER_PATH;
  }

  /**
   * One more client, which makes no call by itself, for calls that a test makes: they stand in the same history.
   *
   * @param options.server - The only server that it talks to.
   * @param options.timeoutMs - The deadline of its calls, and how long it waits for one attempt.
   */
  addCaller(options: { readonly server?: number | undefined; readonly timeoutMs: number }): Caller {
    const { server, timeoutMs } = options;
    const client = createClient({ endpoints: this.#options.endpoints, server, attemptTimeoutMs: timeoutMs });
    const caller = new Caller(this.#nextId++, client, this.#options.recorder, timeoutMs);
    this.#added.push(caller);
    return caller;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#callers, ...this.#added].map(({ client }) => client.close()));
  }

  async #prepare(root: string): Promise<void> {
    const [first] = this.#callers;
    if (first === undefined) throw new Error('a workload needs a client');
    for (const path of [root, this.#appendPath]) await first.client.create(path);
    for (const path of this.#registers) {
      const { outcome } = await (path === REGISTER_PATH ? first.set(path) : first.createRegister(path));
      if (outcome !== 'ok') throw new Error(`${path} could not be made`);
    }
    // From here on nobody's local read is older than that.
    await Promise.all(this.#callers.map((caller) => caller.get(this.register, 'linearizable')));
  }

  async #loop(caller: Caller): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        this.#learn(caller, await this.#call(caller));
        if (this.#pauseMsMax > 0) await delay(this.#random.next() * this.#pauseMsMax);
      }
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      this.#stop.abort();
    }
  }

  /** Of ten calls three make sequential znodes, three set, one guesses, and three read, half of them locally. */
  #call(caller: Caller): Promise<Operation> {
    const path = this.#random.pick(this.#registers);
    const seen = this.#seen.get(caller)?.get(path);
    switch (this.#random.below(20)) {
      case 0:
      case 1:
      case 2:
        return caller.get(path, 'linearizable');
      case 3:
      case 4:
      case 5:
        return caller.get(path, 'local');
      case 6:
      case 7:
        return caller.guess(this.#seen.get(caller)?.get(REGISTER_PATH)?.value ?? 'nothing');
      case 8:
      case 9:
      case 10:
        return caller.set(path);
      case 11:
      case 12:
      case 13:
        return caller.set(path, path === REGISTER_PATH ? undefined : seen?.version);
      default:
        return caller.append(this.#appendPath);
    }
  }

  #learn(caller: Caller, operation: Operation): void {
    if (operation.outcome !== 'ok' || operation.kind === 'append' || operation.kind === 'guess') return;
    const value = operation.kind === 'get' ? operation.result.value : operation.value;
    const seen = this.#seen.get(caller) ?? new Map<string, { version: number; value: string }>();
    seen.set(operation.path, { version: operation.result.version, value });
    this.#seen.set(caller, seen);
  }
}
