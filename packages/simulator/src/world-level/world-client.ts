import type { Client, Session } from '@zkl/client-sdk';
import { createClientOver } from '@zkl/client-sdk/channels';
import type { Random } from '../random.js';
import type { Trace } from '../trace.js';
import type { Chronicle } from './chronicle.js';
import { SimulatedChannel } from './simulated-channel.js';
import type { CallServer } from './server-connection.js';
import { VirtualProcess, type Machine } from './virtual-process.js';
import type { CallRecord, HoldRecord, SessionRecord, WatchRecord } from './world-checker.js';
import type { WatchStep } from '@zkl/client-sdk';
import { CLIENTS_FROM, type Party, type WorldNetwork } from './world-network.js';
import type { WorldHistory } from './world-history.js';
import { hostOf } from './world-server.js';
import type { WorldSettings } from './world-settings.js';
import { plantInChannel } from './planted-channel.js';
import { lastCalls, startHands } from './hands/start-hands.js';

/** What a client needs of the world, and tells it. */
export interface WorldClientSurroundings {
  readonly settings: WorldSettings;
  readonly machine: Machine;
  readonly trace: Trace;
  readonly network: WorldNetwork;
  readonly chronicle: Chronicle;
  readonly history: WorldHistory;
  /** Sessions that an operator ended. */
  readonly forced: ReadonlySet<number>;
  readonly serverAt: (party: Party) => CallServer | undefined;
  onCall(call: CallRecord): void;
  onWatch(watch: WatchRecord): void;
  onStep(watch: WatchRecord, step: WatchStep): void;
  onSession(session: SessionRecord): void;
  onHeld(hold: HoldRecord): void;
  onMirror(client: WorldClient, path: string, zxid: number, znodes: ReadonlyMap<string, string | null>): void;
  count(what: string): void;
  violate(property: string, message: string): void;
}

/** One run of a client's process: the production SDK, whole, and a program that uses it. */
export class WorldClient {
  readonly name: string;
  readonly party: Party;
  readonly process: VirtualProcess;
  readonly around: WorldClientSurroundings;
  readonly client: Client;
  /** Whether its calls are requests of their own. */
  readonly isUnary: boolean;
  /** Aborted when the program is to come to an end. */
  readonly stopping = new AbortController();
  readonly watches: WatchRecord[] = [];
  readonly #hands = new Set<string>();
  readonly #numbers = new Map<string, number>();
  #values = 0;

  constructor(slot: number, incarnation: number, around: WorldClientSurroundings) {
    const { settings, machine, network } = around;
    this.name = `c${slot}.${incarnation}`;
    this.party = CLIENTS_FROM + slot;
    this.around = around;
    const rate = 1 + settings.skew * (2 * machine.random.fraction() - 1);
    this.process = new VirtualProcess(`client ${this.name}`, machine, rate, settings.lateMax);
    this.isUnary = machine.random.chance(settings.unaryShare);
    const planted = plantInChannel(settings.plantedBugs, machine.random);
    const { process, party } = this;
    const options = {
      endpoints: Array.from({ length: settings.servers }, (_, index) => `${hostOf(index + 1)}:7001`),
      timeoutMs: settings.callTimeoutMs,
      attemptTimeoutMs: settings.attemptTimeoutMs,
      stream: !this.isUnary,
      server: machine.random.chance(settings.pinnedShare) ? machine.random.between(1, settings.servers) : undefined,
    };
    const before = machine.running;
    machine.running = process;
    this.client = createClientOver(({ url }) => {
      const to = Number(/10\.0\.0\.(\d+)/.exec(url)?.[1]);
      const hooks = planted(to);
      return new SimulatedChannel({ process, network, party, serverAt: around.serverAt, ...hooks }, to);
    }, options);
    machine.running = before;
  }

  get random(): Random {
    return this.around.machine.random;
  }

  get now(): number {
    return this.around.machine.queue.now;
  }

  /** Its program has come to an end, or its process has. */
  get isIdle(): boolean {
    return !this.process.isAlive || this.#hands.size === 0;
  }

  /** What it still does. */
  get busyWith(): readonly string[] {
    return [...this.#hands];
  }

  start(): void {
    this.tell('starts');
    this.process.soon(() => startHands(this));
  }

  /** The program is to end in good order. */
  stop(): void {
    this.process.soon(() => this.stopping.abort(new Error('the program ends')));
  }

  /** When everything has settled: each client is served once more. */
  lastCalls(): void {
    this.process.soon(() => lastCalls(this));
  }

  kill(): void {
    this.tell('dies');
    this.process.kill();
    this.around.network.abandonAll(this.party);
    for (const watch of this.watches) watch.isOver = true;
  }

  /** Something that the program does beside other things, until it ends. Whatever it throws is a violation. */
  hand(name: string, work: () => Promise<void>): void {
    this.#hands.add(name);
    this.background(name, async () => {
      await work();
      this.#hands.delete(name);
    });
  }

  /** The same, that does not come to an end. */
  background(name: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (this.process.isAlive) this.around.violate('no-unexpected-error', `${this.name}, ${name}: ${words}`);
    });
  }

  /** What nobody else ever writes. */
  newValue(): string {
    return `${this.name}:${++this.#values}`;
  }

  /** The number of the next call of a lane. */
  nextNumber(lane: string): number {
    const number = (this.#numbers.get(lane) ?? 0) + 1;
    this.#numbers.set(lane, number);
    return number;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** A session whose client is not told that it is over, but would see it when it looks. */
  noteSession(session: Session): void {
    this.around.onSession({ client: this, id: Number(session.id), isOver: () => this.isSessionOver(session) });
  }

  /** Whether it is over, or would be found to be by whoever looks. */
  isSessionOver(session: Session): boolean {
    const { process } = this;
    const { machine } = this.around;
    if (!process.isAlive) return true;
    const before = machine.running;
    machine.running = process;
    const { remainingMs } = session;
    machine.running = before;
    return remainingMs === 0;
  }

  tell(text: string): void {
    this.around.trace.line(0, `${this.name} ${text}`);
  }
}
