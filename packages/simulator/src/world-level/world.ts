import { endOf, formatZxid, sameZxid, type Block, type ServerId } from '@zkl/consensus';
import type { WatchStep } from '@zkl/client-sdk';
import type { ZnodeStateMachine } from '@zkl/state-machine';
import { EventQueue } from '../event-queue.js';
import { UNITS_PER_MS } from '../node-level/node-settings.js';
import { runEvents } from '../node-level/run-events.js';
import { Random } from '../random.js';
import { Trace } from '../trace.js';
import { Violation } from '../violation.js';
import { Chronicle } from './chronicle.js';
import { plantInLeader } from './planted-leader.js';
import { installGlobals } from './virtual-globals.js';
import { Machine } from './virtual-process.js';
import type {
  CallRecord,
  HoldRecord,
  SessionRecord,
  WatchRecord,
  WorldChecker,
  WorldCheckerFactory,
  WorldView,
} from './world-checker.js';
import { WorldClient, type WorldClientSurroundings } from './world-client.js';
import { WorldFaults } from './world-faults.js';
import { WorldHistory } from './world-history.js';
import { WorldNetwork } from './world-network.js';
import { LAST_RELEASE, WorldServer } from './world-server.js';
import type { WorldSettings } from './world-settings.js';

/** After the faults have ended everything must be live within 30 simulated seconds. */
const SETTLE_MS_MAX = 30_000;
const STEP_MS = 100;

/** One run of whole servers and whole clients, faults, and checkers. */
export class World implements WorldView {
  readonly settings: WorldSettings;
  readonly chronicle: Chronicle;
  readonly calls: CallRecord[] = [];
  /** What the clients saw, for the checkers of histories. */
  readonly history = new WorldHistory();
  readonly servers: readonly WorldServer[];
  /** The present client of each slot. */
  readonly clients: WorldClient[] = [];
  readonly sessions = new Map<number, SessionRecord>();
  readonly forced = new Set<number>();
  readonly trace: Trace;
  /** How often what happened: a run that reached nothing proves nothing. */
  readonly counts = new Map<string, number>();
  readonly #queue = new EventQueue();
  readonly #machine: Machine;
  readonly #network: WorldNetwork;
  readonly #faults: WorldFaults;
  readonly #checkers: readonly WorldChecker[];
  readonly #watches: WatchRecord[] = [];
  readonly #clientSurroundings: WorldClientSurroundings;
  readonly #incarnations: number[] = [];
  #failure: Error | undefined;

  constructor(settings: WorldSettings, checkers: readonly WorldCheckerFactory[], print?: (line: string) => void) {
    this.settings = settings;
    const queue = this.#queue;
    this.#machine = new Machine(queue, new Random(settings.seed, 22));
    const machine = this.#machine;
    this.trace = new Trace(queue, print);
    this.#network = new WorldNetwork(machine, settings.network);
    this.chronicle = new Chronicle(settings.plantedBugs);
    const { trace, chronicle } = this;
    const network = this.#network;
    const count = (what: string): void => this.count(what);
    const ids: ServerId[] = Array.from({ length: settings.servers }, (_, index) => index + 1);
    const around = {
      settings,
      machine,
      trace,
      network,
      ids,
      count,
      onApplied: (server: WorldServer, block: Block, state: ZnodeStateMachine) => this.#onApplied(server, block, state),
      onRestored: (server: WorldServer, state: ZnodeStateMachine) =>
        this.#each((checker) => checker.onRestored?.(server, state)),
      onExit: (server: WorldServer) => this.#faults.onExit(server),
      mayUpgrade: ({ release }: WorldServer) =>
        release < LAST_RELEASE && this.servers.every((other) => other.release >= release),
      fail: (error: Error) => this.#fail(error),
    };
    this.servers = ids.map((id) => new WorldServer(id, around));
    this.#checkers = checkers.map((create) => create(this));
    this.#clientSurroundings = {
      settings,
      machine,
      trace,
      network,
      chronicle,
      forced: this.forced,
      history: this.history,
      count,
      serverAt: (party) => this.servers[party - 1]?.run,
      onCall: (call) => this.#onCall(call),
      onWatch: (watch) => this.#watches.push(watch),
      onStep: (watch: WatchRecord, step: WatchStep) => this.#each((checker) => checker.onStep?.(watch, step)),
      onSession: (session) => this.sessions.set(session.id, session),
      onHeld: (hold: HoldRecord) => this.#each((checker) => checker.onHeld?.(hold)),
      onMirror: (client, path, zxid, znodes) => this.#each((checker) => checker.onMirror?.(client, path, zxid, znodes)),
      violate: (property, message) => this.violate(property, message),
    };
    this.#faults = new WorldFaults({
      settings,
      machine,
      network,
      trace,
      servers: this.servers,
      clients: this.clients,
      sessions: this.sessions,
      forced: this.forced,
      startClient: (slot) => this.#startClient(slot),
      count,
    });
  }

  /** Virtual time that has passed, in seconds. */
  get simulatedSeconds(): number {
    return this.#queue.now / UNITS_PER_MS / 1_000;
  }

  violate(property: string, message: string): void {
    this.#fail(new Violation(property, message));
  }

  soon(callback: () => void): void {
    const { running } = this.#machine;
    this.#queue.after(0, () => {
      this.#machine.running = running;
      callback();
    });
  }

  /** The safety phase, the healing, and the healed phase. Rejects with a `Violation`, or with what went wrong in the simulator itself. */
  async run(): Promise<void> {
    const restore = installGlobals(this.#machine);
    const onUnhandled = (reason: unknown): void => {
      const words = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
      this.violate('no-unhandled-rejection', words);
    };
    process.on('unhandledRejection', onUnhandled);
    try {
      await this.#run();
    } finally {
      restore();
      process.off('unhandledRejection', onUnhandled);
    }
  }

  async #run(): Promise<void> {
    const { settings } = this;
    this.#faults.start();
    plantInLeader(settings.plantedBugs, this.#machine, this.servers, this.chronicle);
    for (let slot = 0; slot < settings.clients; slot++) this.#startClient(slot);
    await this.#runFor(settings.safetyMs);
    this.trace.line(0, 'all faults end');
    this.#faults.healAll();
    for (const client of this.clients) client.stop();
    await this.#settle('after the faults have ended');
    for (const client of this.clients) client.lastCalls();
    await this.#settle('after the last calls');
    await this.#runUntil(() => this.#hasCaughtUp(), 'a watch has not caught up');
    await this.#runUntil(() => this.#sessionsAreOver(), 'a session lives on without its client');
    await this.#runUntil(() => this.#hasCaughtUp(), 'a watch has not caught up with the end of sessions');
    this.#each((checker) => checker.onHealed?.(this.#watches));
    this.#rethrow();
  }

  #startClient(slot: number): void {
    const incarnation = (this.#incarnations[slot] ?? 0) + 1;
    this.#incarnations[slot] = incarnation;
    const client = new WorldClient(slot, incarnation, this.#clientSurroundings);
    this.clients[slot] = client;
    client.start();
  }

  async #runFor(ms: number): Promise<void> {
    const units = Math.ceil(ms * UNITS_PER_MS);
    // Time passes also when nothing happens.
    this.#queue.after(units, () => undefined);
    await runEvents(this.#queue, this.#queue.now + units, () => this.#failure === undefined);
    this.#rethrow();
  }

  async #settle(when: string): Promise<void> {
    await this.#runUntil(() => this.#isSettled(), `no agreement ${when}`);
  }

  async #runUntil(isDone: () => boolean, otherwise: string): Promise<void> {
    for (let waited = 0; waited < SETTLE_MS_MAX; waited += STEP_MS) {
      for (const server of this.servers) server.checkHealth();
      if (isDone()) return;
      await this.#runFor(STEP_MS);
    }
    this.violate('liveness', `${otherwise} within ${SETTLE_MS_MAX} ms: ${this.#describe()}`);
    this.#rethrow();
  }

  #isSettled(): boolean {
    const statuses = this.servers.map(({ status }) => status);
    const leader = statuses.find((status) => status?.role === 'leading' && status.serving);
    if (leader === undefined || !this.clients.every(({ isIdle }) => isIdle)) return false;
    return statuses.every((status, index) => {
      if (status?.serving !== true || status.leader !== leader.leader || status.epoch !== leader.epoch) return false;
      if (status.standing !== 'voter' || this.servers[index]!.harmedInRun !== undefined) return false;
      const ends = [status.lastLogged, status.durable, status.applied, this.chronicle.lastZxid];
      return ends.every((end) => sameZxid(end, leader.lastLogged));
    });
  }

  #hasCaughtUp(): boolean {
    const { chronicle } = this;
    return this.#watches.every((watch) => {
      if (watch.isOver) return true;
      return watch.told !== undefined && chronicle.between(watch, watch.told, chronicle.last).length === 0;
    });
  }

  /** Those are gone that nobody keeps alive. */
  #sessionsAreOver(): boolean {
    return [...this.chronicle.sessions.values()].every(
      ({ id, endedAt }) => endedAt !== undefined || this.sessions.get(id)?.isOver() === false,
    );
  }

  #describe(): string {
    const servers = this.servers.map(({ id, status, harmedInRun }) => {
      if (status === undefined) return `${id} is down`;
      const { role, serving, epoch, standing, lastLogged, applied, lookingBecause } = status;
      const at = `${formatZxid(lastLogged)}, applied ${formatZxid(applied)}`;
      const harm = harmedInRun === undefined ? '' : ', harmed';
      return `${id} ${role}${serving ? ' serving' : ''} ${standing}${harm} epoch ${epoch} at ${at} (${lookingBecause})`;
    });
    const busy = this.clients
      .filter(({ isIdle }) => !isIdle)
      .map(({ name, busyWith }) => `${name} is busy with ${busyWith.join(', ')}`);
    const watches = this.#watches
      .filter(({ isOver }) => !isOver)
      .map(({ name, client, told }) => `${client.name} ${name} was told up to ${told?.toString(16) ?? 'nothing'}`);
    return [...servers, ...busy, ...watches].join('; ');
  }

  #onApplied(server: WorldServer, block: Block, state: ZnodeStateMachine): void {
    const isKnown = this.chronicle.digestAt(endOf(block)) !== undefined;
    const applied = isKnown ? undefined : this.chronicle.apply(block);
    this.#each((checker) => checker.onApplied?.(server, block, state, applied !== undefined));
    for (const session of applied?.ended ?? []) this.#each((checker) => checker.onSessionEnded?.(session));
  }

  #onCall(call: CallRecord): void {
    this.calls.push(call);
    this.count(`${call.consistency} ${call.outcome}`);
    this.#each((checker) => checker.onCall?.(call));
  }

  #each(tell: (checker: WorldChecker) => void): void {
    if (this.#failure !== undefined) return;
    for (const checker of this.#checkers) tell(checker);
  }

  /** Notes that it happened once more. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** The first failure counts. */
  #fail(error: Error): void {
    this.#failure ??= error;
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
