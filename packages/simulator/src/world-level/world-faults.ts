import { UNITS_PER_TICK } from '../event-queue.js';
import { UNITS_PER_MS } from '../node-level/node-settings.js';
import type { Trace } from '../trace.js';
import type { Machine } from './virtual-process.js';
import type { SessionRecord } from './world-checker.js';
import type { WorldClient } from './world-client.js';
import { CLIENTS_FROM, type Party, type WorldNetwork } from './world-network.js';
import type { WorldServer } from './world-server.js';
import type { WorldFaultWeights, WorldSettings } from './world-settings.js';

export interface WorldFaultSurroundings {
  readonly settings: WorldSettings;
  readonly machine: Machine;
  readonly network: WorldNetwork;
  readonly trace: Trace;
  readonly servers: readonly WorldServer[];
  readonly clients: readonly WorldClient[];
  readonly sessions: ReadonlyMap<number, SessionRecord>;
  readonly forced: Set<number>;
  startClient(slot: number): void;
  count(what: string): void;
}

type FaultKind = keyof WorldFaultWeights;

const HOUR_MS = 3_600_000;
const SLOW_DISK = { readUnits: 10, writeUnits: 80, spreadUnits: 150, stallRate: 0.03 };
const MILD_DISK = { readUnits: 1, writeUnits: 1, spreadUnits: 4, stallRate: 0 };
const MILD_NETWORK = { latencyMin: 1, latencySpread: 4, noticeMax: 40, splitRate: 0 };

/** What goes wrong, and when it ends. A disk is lost only while a quorum of the others holds a whole history. */
export class WorldFaults {
  readonly #around: WorldFaultSurroundings;
  readonly #kinds: FaultKind[] = [];
  #isOver = false;

  constructor(around: WorldFaultSurroundings) {
    this.#around = around;
    for (const [kind, weight] of Object.entries(around.settings.faults) as [FaultKind, number][]) {
      for (let i = 0; i < weight; i++) this.#kinds.push(kind);
    }
  }

  start(): void {
    for (const server of this.#around.servers) server.start();
    if (this.#around.settings.faultEvery > 0 && this.#kinds.length > 0) this.#nextLater();
  }

  /** Nothing breaks any more, and what is broken is mended, as far as an operator would. */
  healAll(): void {
    this.#isOver = true;
    const { network, servers, clients } = this.#around;
    for (const server of servers) {
      server.cancelPowerLoss();
      server.resume();
      server.disk.times = MILD_DISK;
      server.disk.writeErrors = server.disk.readErrors = 0;
      server.disk.full = false;
    }
    network.healAll(MILD_NETWORK);
    for (const server of servers) server.start();
    for (const [slot, client] of [...clients.entries()]) {
      client.process.resume();
      if (!client.process.isAlive) this.#around.startClient(slot);
    }
  }

  /** A process that ended by itself is started again by whoever keeps it running. */
  onExit(server: WorldServer): void {
    const { machine, settings } = this.#around;
    const delay = this.#isOver ? UNITS_PER_TICK : 1 + machine.random.below(2 * settings.faultLasts);
    machine.after(delay, () => server.start());
  }

  #nextLater(): void {
    const { machine, settings, trace } = this.#around;
    machine.after(1 + machine.random.below(2 * settings.faultEvery), () => {
      if (this.#isOver) return;
      const kind = machine.random.pick(this.#kinds);
      trace.add(5, 0, this.#kinds.indexOf(kind));
      if (this.#strike(kind)) this.#around.count(kind);
      this.#nextLater();
    });
  }

  /** False when it cannot strike there and now. */
  #strike(kind: FaultKind): boolean {
    return kind.startsWith('client') || kind === 'expire'
      ? this.#strikeClient(kind, this.#around.machine.random.pick(this.#around.clients))
      : this.#strikeServer(kind, this.#victim());
  }

  #victim(): WorldServer {
    const { machine, servers, settings } = this.#around;
    const leader = servers.find(({ isLeading }) => isLeading);
    return leader !== undefined && machine.random.chance(settings.aimAtLeader) ? leader : machine.random.pick(servers);
  }

  #strikeServer(kind: FaultKind, victim: WorldServer): boolean {
    const { machine, servers } = this.#around;
    switch (kind) {
      case 'kill':
        return this.#end(victim, () => victim.kill());
      case 'powerLoss':
        return this.#end(victim, () => victim.losePower());
      case 'powerLossAll':
        for (const server of servers) this.#end(server, () => server.losePower());
        return true;
      case 'powerLossSoon':
        return this.#end(victim, () => victim.losePowerSoon(machine.random.between(1, 30)));
      case 'stop':
        return this.#end(victim, () => victim.stop());
      case 'pause':
        if (victim.run === undefined || victim.run.process.isPaused) return false;
        victim.pause();
        this.#later(() => victim.resume(), machine.random.pick([1, 4]));
        return true;
      case 'clockJump':
        victim.wallOffsetMs = machine.random.pick([-HOUR_MS, HOUR_MS, 0]);
        if (victim.run !== undefined) victim.run.process.wallOffsetMs = victim.wallOffsetMs;
        return true;
      case 'slowDisk':
      case 'writeError':
      case 'diskFull':
      case 'wipe':
        return this.#strikeDisk(kind, victim);
      default:
        return this.#strikeNetwork(kind, victim);
    }
  }

  #strikeDisk(kind: 'slowDisk' | 'writeError' | 'diskFull' | 'wipe', victim: WorldServer): boolean {
    const { disk } = victim;
    switch (kind) {
      case 'slowDisk':
        disk.times = SLOW_DISK;
        this.#later(() => (disk.times = this.#around.settings.disk));
        return true;
      case 'writeError':
        disk.writeErrors = this.#around.machine.random.between(1, 2);
        victim.tell('its disk refuses to write');
        return true;
      case 'diskFull':
        victim.tell('its disk is full');
        disk.full = true;
        this.#later(() => (disk.full = false));
        return true;
      case 'wipe':
        if (!this.#canLose(victim)) return false;
        victim.losePower();
        victim.tell('its disk is lost');
        victim.harmedInRun = victim.runNumber;
        disk.wipe();
        this.#later(() => victim.start());
        return true;
    }
  }

  #strikeNetwork(kind: FaultKind, victim: WorldServer): boolean {
    const { machine, servers } = this.#around;
    const { random } = machine;
    switch (kind) {
      case 'breakLink':
        return this.#break((a, b) => isServer(a) && isServer(b) && (a === victim.id || b === victim.id));
      case 'partition': {
        const side = new Set(servers.filter(() => random.chance(0.5)).map((server) => server.id));
        return this.#cut((from, to) => side.has(from) !== side.has(to), `partition {${[...side].join(' ')}} | rest`);
      }
      case 'isolate':
        return this.#cut((from, to) => from === victim.id || to === victim.id, `${victim.id} is cut off`);
      case 'oneWay':
        if (random.chance(0.5)) return this.#cut((from) => from === victim.id, `nothing leaves ${victim.id}`);
        return this.#cut((_, to) => to === victim.id, `nothing reaches ${victim.id}`);
      default:
        return false;
    }
  }

  #strikeClient(kind: FaultKind, victim: WorldClient): boolean {
    const { machine, settings, servers } = this.#around;
    const { random } = machine;
    const { party } = victim;
    switch (kind) {
      case 'clientDies':
        if (!victim.process.isAlive) return false;
        victim.kill();
        this.#later(() => this.#around.startClient(party - CLIENTS_FROM));
        return true;
      case 'clientPauses':
        return this.#pauseClient(victim, random.below(2 * settings.faultLasts));
      case 'clientSleeps':
        return this.#pauseClient(victim, random.between(1, 3) * settings.sessionTimeoutMs * UNITS_PER_MS);
      case 'clientBreaks':
        return this.#break((a, b) => a === party || b === party);
      case 'clientCutOff': {
        const reached = new Set(servers.filter(() => random.chance(0.4)).map(({ id }) => id));
        const isCut = (a: Party, b: Party): boolean =>
          (a === party && !reached.has(b)) || (b === party && !reached.has(a));
        return this.#cutPaths(
          this.#clientPaths(party).filter(([a, b]) => isCut(a, b)),
          `${victim.name} is cut off`,
        );
      }
      case 'clientOneWay': {
        const isOut = random.chance(0.5);
        const paths = this.#clientPaths(party).filter(([from]) => (from === party) === isOut);
        return this.#cutPaths(paths, `nothing ${isOut ? 'leaves' : 'reaches'} ${victim.name}`);
      }
      case 'expire':
        return this.#expire();
      default:
        return false;
    }
  }

  #pauseClient(victim: WorldClient, units: number): boolean {
    const { process } = victim;
    if (!process.isAlive || process.isPaused) return false;
    victim.tell('pauses');
    process.pause();
    this.#around.machine.after(1 + units, () => {
      if (!process.isAlive || !process.isPaused) return;
      victim.tell('goes on');
      process.resume();
    });
    return true;
  }

  #expire(): boolean {
    const { machine, sessions, forced, servers } = this.#around;
    const leader = servers.find(({ isLeading }) => isLeading);
    const open = [...sessions.keys()].filter((id) => !forced.has(id));
    if (leader === undefined || open.length === 0) return false;
    const id = machine.random.pick(open);
    forced.add(id);
    leader.tell(`is told to expire session 0x${id.toString(16)}`);
    leader.expireSession(BigInt(id));
    return true;
  }

  #later(action: () => void, factor = 1): void {
    const { machine, settings } = this.#around;
    machine.after(1 + machine.random.below(2 * factor * settings.faultLasts), () => {
      if (!this.#isOver) action();
    });
  }

  #end(victim: WorldServer, how: () => void): boolean {
    if (!victim.isRunning) return false;
    how();
    this.#later(() => {
      victim.cancelPowerLoss();
      victim.start();
    });
    return true;
  }

  #canLose(victim: WorldServer): boolean {
    const { servers } = this.#around;
    const quorum = Math.floor(servers.length / 2) + 1;
    return servers.filter((server) => server !== victim && server.counts).length >= quorum;
  }

  /** A connection breaks: what is on its way is lost. */
  #break(isOne: (a: Party, b: Party) => boolean): boolean {
    const { machine, network, trace } = this.#around;
    const wires = network.wires.filter(({ from, to }) => isOne(from, to));
    if (wires.length === 0) return false;
    const wire = machine.random.pick(wires);
    trace.line(0, `the connection from ${wire.from} to ${wire.to} breaks`);
    wire.break();
    return true;
  }

  #clientPaths(party: Party): (readonly [Party, Party])[] {
    return this.#around.servers.flatMap(
      ({ id }) =>
        [
          [party, id],
          [id, party],
        ] as const,
    );
  }

  #cut(isCut: (from: Party, to: Party) => boolean, what: string): boolean {
    const { servers } = this.#around;
    const paths = servers.flatMap(({ id: from }) =>
      servers.filter(({ id: to }) => from !== to && isCut(from, to)).map(({ id: to }) => [from, to] as const),
    );
    return this.#cutPaths(paths, what);
  }

  #cutPaths(paths: readonly (readonly [Party, Party])[], what: string): boolean {
    if (paths.length === 0) return false;
    const { machine, network, trace } = this.#around;
    trace.line(0, what);
    for (const [from, to] of paths) network.block(from, to);
    if (machine.random.chance(0.4)) {
      // The cut is noticed: connections break.
      for (const wire of network.wires) {
        if (
          paths.some(([from, to]) => (wire.from === from && wire.to === to) || (wire.from === to && wire.to === from))
        )
          wire.break();
      }
    }
    this.#later(() => {
      trace.line(0, `end of: ${what}`);
      for (const [from, to] of paths) network.unblock(from, to);
    });
    return true;
  }
}

function isServer(party: Party): boolean {
  return party < CLIENTS_FROM;
}
