import { endOf, formatZxid, sameZxid, type Block, type RecoveredLog, type ServerId, type Zxid } from '@zkl/consensus';
import type { Result } from '@zkl/state-machine';
import { describeMessage } from '../describe-message.js';
import { EventQueue, UNITS_PER_TICK } from '../event-queue.js';
import type { Call } from '../history/record.js';
import { Random } from '../random.js';
import { Trace } from '../trace.js';
import { Violation } from '../violation.js';
import { VirtualNetwork } from '../virtual-network.js';
import type { NodeChecker, NodeCheckerFactory, NodeWorld } from './node-checker.js';
import { NodeFaults } from './node-faults.js';
import { NodeLedger } from './node-ledger.js';
import { TICK_MS, type NodeSettings } from './node-settings.js';
import { createPlan, readPlan, registerWritePlan, type Plan } from './operation-plan.js';
import { runEvents } from './run-events.js';
import { SimulatedClient } from './simulated-client.js';
import { SimulatedServer, type ServerSurroundings } from './simulated-server.js';
import { SnapshotStream } from './snapshot-stream.js';

/** After the faults have ended all must agree within 30 simulated seconds. */
const SETTLE_TICKS_MAX = 30_000 / TICK_MS;
const LAST_CALLS_MAX = 5;

/** One run at the level of nodes: production nodes with their stores and state machines, clients, faults, and checkers. */
export class NodeCluster implements NodeWorld {
  readonly settings: NodeSettings;
  readonly ledger = new NodeLedger();
  readonly history: Call[] = [];
  readonly quorum: number;
  readonly servers: readonly SimulatedServer[];
  readonly clients: readonly SimulatedClient[];
  readonly trace: Trace;
  /** How often what happened: a run that reached nothing proves nothing. */
  readonly counts = new Map<string, number>();
  readonly #queue = new EventQueue();
  readonly #network: VirtualNetwork;
  readonly #faults: NodeFaults;
  readonly #checkers: readonly NodeChecker[];
  #failure: Error | undefined;

  constructor(settings: NodeSettings, checkers: readonly NodeCheckerFactory[], print?: (line: string) => void) {
    this.settings = settings;
    const queue = this.#queue;
    const random = new Random(settings.seed, 12);
    const ids = Array.from({ length: settings.servers }, (_, index) => index + 1);
    this.quorum = Math.floor(ids.length / 2) + 1;
    this.trace = new Trace(queue, print);
    this.#network = this.#makeNetwork(ids, random);
    const around = { queue, random, settings, trace: this.trace };
    const count = (what: string): void => this.count(what);
    const surroundings = this.#serverSurroundings({ ...around, ids, count });
    this.servers = ids.map((id) => new SimulatedServer(id, surroundings));
    const { servers, quorum, history } = this;
    this.#checkers = checkers.map((create) => create(this));
    this.#faults = new NodeFaults({ ...around, network: this.#network, servers, quorum, count });
    const clientSurroundings = {
      ...around,
      servers,
      history,
      count,
      onReply: (server: SimulatedServer, client: string, requestId: number, result: Result): void =>
        this.#each((checker) => checker.onReply?.(server, client, requestId, result)),
      onRead: (server: SimulatedServer, operation: Call, served: Zxid): void =>
        this.#each((checker) => checker.onRead?.(server, operation, served)),
      onDone: (client: string): void => this.trace.add(7, 0, client.length + history.length),
      violate: (property: string, message: string): void => this.violate(property, message),
    };
    this.clients = Array.from(
      { length: settings.clients },
      (_, n) => new SimulatedClient(`c${n + 1}`, clientSurroundings),
    );
  }

  /** Virtual time that has passed, in seconds. */
  get simulatedSeconds(): number {
    return (this.#queue.now / UNITS_PER_TICK / 1_000) * TICK_MS;
  }

  violate(property: string, message: string): void {
    this.#fail(new Violation(property, message));
  }

  /** The safety phase, the healing, and the healed phase. Rejects with a `Violation`, or with what went wrong in the simulator itself. */
  async run(): Promise<void> {
    this.#faults.start();
    for (const client of this.clients) client.start();
    await this.#runFor(this.settings.safetyTicks * UNITS_PER_TICK);
    this.trace.line(0, 'all faults end');
    for (const client of this.clients) client.stop();
    this.#faults.healAll();
    await this.#settle('after the faults have ended');
    await this.#callAll();
    await this.#settle('after the last calls');
    this.#each((checker) => checker.onHealed?.());
    this.#rethrow();
  }

  /** New writes commit, and every key is read by each client: so that the history tells of what was there in the end. */
  async #callAll(): Promise<void> {
    const { settings, clients } = this;
    const keys = ['register', ...Array.from({ length: settings.keys }, (_, n) => `/k${n + 1}`)];
    const plans = [
      createPlan('/last', 'last'),
      registerWritePlan('last'),
      ...keys.map((key) => readPlan(key, 'linearizable')),
      ...keys.map((key) => readPlan(key, 'local')),
    ];
    for (const plan of plans) {
      for (const client of clients) await this.#callUntilServed(client, plan);
    }
  }

  /** A connection that broke before the healing may be noticed only now, and cost another election: so more than once, but not for ever. */
  async #callUntilServed(client: SimulatedClient, plan: Plan): Promise<void> {
    for (let round = 0; round < LAST_CALLS_MAX; round++) {
      const before = this.history.length;
      client.callNow(plan);
      await this.#runUntil(() => client.isIdle, 'a last call is not answered');
      if (this.history.length > before) return;
    }
    this.violate('liveness', `the last call on ${plan.key} was refused ${LAST_CALLS_MAX} times`);
    this.#rethrow();
  }

  async #runFor(units: number): Promise<void> {
    // Time passes also when nothing happens.
    this.#queue.after(units, () => undefined);
    await runEvents(this.#queue, this.#queue.now + units, () => this.#failure === undefined);
    this.#rethrow();
  }

  async #settle(when: string): Promise<void> {
    await this.#runUntil(() => this.#isSettled(), `no agreement ${when}`);
  }

  async #runUntil(isDone: () => boolean, otherwise: string): Promise<void> {
    for (let waited = 0; waited < SETTLE_TICKS_MAX; waited += 4) {
      for (const server of this.servers) server.checkHealth();
      if (isDone()) return;
      await this.#runFor(4 * UNITS_PER_TICK);
    }
    this.violate('liveness', `${otherwise} within ${SETTLE_TICKS_MAX} ticks: ${this.#describe()}`);
    this.#rethrow();
  }

  #isSettled(): boolean {
    const leader = this.servers
      .map(({ run }) => run?.node.status)
      .find((status) => status?.role === 'leading' && status.serving);
    if (leader === undefined) return false;
    return (
      this.clients.every(({ isIdle }) => isIdle) &&
      this.servers.every(({ run, durable, harmedInRun }) => {
        const status = run?.node.status;
        if (status?.serving !== true || status.leader !== leader.leader || status.epoch !== leader.epoch) return false;
        if (status.standing !== 'voter' || (harmedInRun !== undefined && run!.number > harmedInRun)) return false;
        const ends = [status.lastLogged, status.durable, status.applied, durable.last];
        return (
          ends.every((end) => sameZxid(end, leader.lastLogged)) && sameZxid(this.ledger.lastZxid, leader.lastLogged)
        );
      })
    );
  }

  #describe(): string {
    const each = this.servers.map(({ id, run, harmedInRun }) => {
      if (run === undefined) return `${id} is down`;
      const { role, serving, epoch, standing, lastLogged, applied, lookingBecause } = run.node.status;
      const at = `${formatZxid(lastLogged)}, applied ${formatZxid(applied)}`;
      const harm = harmedInRun === undefined ? '' : ', harmed';
      return `${id} ${role}${serving ? ' serving' : ''} ${standing}${harm} epoch ${epoch} at ${at} (${lookingBecause})`;
    });
    const busy = this.clients.filter(({ isIdle }) => !isIdle).map(({ id }) => `${id} waits`);
    return [...each, ...busy].join('; ');
  }

  #makeNetwork(ids: readonly ServerId[], random: Random): VirtualNetwork {
    return new VirtualNetwork(ids, this.#queue, random, this.settings.network, {
      onMessage: (to, from, message) => {
        this.trace.add(6, to, from * 32 + message.kind.length);
        if (this.trace.isPrinted) this.trace.line(to, `<- ${from} ${describeMessage(message)}`);
        this.count(message.kind);
        const run = this.servers[to - 1]?.run;
        run?.whenAwake(() => run.peerEvents?.onMessage(from, message));
      },
      onPeerUp: (at, peer) => {
        const run = this.servers[at - 1]?.run;
        run?.whenAwake(() => run.peerEvents?.onPeerUp(peer));
      },
      onPeerLost: (at, peer) => {
        this.trace.line(at, `its connection with ${peer} ended`);
        const run = this.servers[at - 1]?.run;
        run?.whenAwake(() => run.peerEvents?.onPeerLost(peer));
      },
    });
  }

  #serverSurroundings(
    around: Pick<ServerSurroundings, 'queue' | 'random' | 'settings' | 'trace' | 'ids' | 'count'>,
  ): ServerSurroundings {
    const network = this.#network;
    return {
      ...around,
      attach: (id) => network.attach(id),
      detach: (id) => network.detach(id),
      send: (from, to, message) => network.sendOne(from, to, message),
      sendSnapshot: async (sender, from, to, attempt, snapshot, signal) => {
        const receiver = this.servers[to - 1]?.run;
        if (receiver === undefined || !network.isOpen(from, to)) throw new Error(`server ${to} cannot be reached`);
        const isOpen = (): boolean => network.isOpen(from, to) && network.isOpen(to, from);
        const latency = (): number => network.latency();
        const { queue } = around;
        await new SnapshotStream({ queue, from, attempt, snapshot, signal, sender, receiver, isOpen, latency }).send();
      },
      onOpened: (server, recovered) => this.#onOpened(server, recovered),
      onApplied: (server, block, results, digest) => this.#onApplied(server, block, results, digest),
      onRestored: (server, zxid, digest) => this.#each((checker) => checker.onRestored?.(server, zxid, digest)),
      onStatus: (server) => this.#each((checker) => checker.onStatus?.(server)),
      onExit: (server) => this.#faults.onExit(server),
      fail: (error) => this.#fail(error),
    };
  }

  #onOpened(server: SimulatedServer, recovered: RecoveredLog): void {
    this.#each((checker) => checker.onOpened?.(server, recovered));
  }

  #onApplied(server: SimulatedServer, block: Block, results: readonly Result[], digest: string): void {
    const isNew = this.ledger.at(endOf(block)) === undefined && this.ledger.append(block, results, digest);
    this.#each((checker) => checker.onApplied?.(server, block, results, digest, isNew));
  }

  #each(tell: (checker: NodeChecker) => void): void {
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
