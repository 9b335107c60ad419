import type { ServerId } from '@zkl/consensus';
import { UNITS_PER_TICK, type EventQueue } from '../event-queue.js';
import type { Random } from '../random.js';
import { MILD_NETWORK } from '../swarm.js';
import type { VirtualNetwork } from '../virtual-network.js';
import { spoilHardState, spoilSomeFile } from './disk-faults.js';
import type { NodeFaultWeights, NodeSettings } from './node-settings.js';
import type { SimulatedServer } from './simulated-server.js';
import type { Trace } from '../trace.js';

export interface NodeFaultSurroundings {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly network: VirtualNetwork;
  readonly trace: Trace;
  readonly settings: NodeSettings;
  readonly servers: readonly SimulatedServer[];
  readonly quorum: number;
  count(what: string): void;
}

type FaultKind = keyof NodeFaultWeights;

const HOUR_MS = 3_600_000;
const SLOW_DISK = { readUnits: 20, writeUnits: 150, spreadUnits: 300, stallRate: 0.05 };
const MILD_DISK = { readUnits: 1, writeUnits: 1, spreadUnits: 10, stallRate: 0 };

/**
 * What goes wrong, and when it ends. The atlas: what destroys what a disk held durably (a lost disk, rot, a misdirected write, lost promises) strikes a server only while a quorum
 * of the others counts; that server counts again once it was started after it and serves as a voter. Power may be lost everywhere at once, and disks may
 * refuse as often as they like: neither destroys what was synced.
 */
export class NodeFaults {
  readonly #around: NodeFaultSurroundings;
  readonly #kinds: FaultKind[] = [];
  #isOver = false;

  constructor(around: NodeFaultSurroundings) {
    this.#around = around;
    for (const [kind, weight] of Object.entries(around.settings.faults) as [FaultKind, number][]) {
      for (let i = 0; i < weight; i++) this.#kinds.push(kind);
    }
  }

  start(): void {
    const { servers, settings, random, queue } = this.#around;
    const late = settings.lateServers === 0 ? [] : random.shuffled(servers).slice(0, settings.lateServers);
    for (const server of servers) {
      if (!late.includes(server)) server.start();
      else
        queue.after(random.below(settings.safetyTicks * UNITS_PER_TICK), () => {
          if (!this.#isOver) server.start();
        });
    }
    if (settings.faultEvery > 0 && this.#kinds.length > 0) this.#nextLater();
  }

  /** Nothing breaks any more, and what is broken is mended, as far as an operator would: all run, all are connected, all disks work. */
  healAll(): void {
    this.#isOver = true;
    const { network, servers } = this.#around;
    for (const server of servers) {
      server.cancelPowerLoss();
      server.resume();
      server.turnDelayMax = Math.min(server.turnDelayMax, 8);
      server.disk.times = MILD_DISK;
      server.disk.writeErrors = server.disk.readErrors = server.disk.misdirects = server.disk.misreads = 0;
      server.disk.full = false;
    }
    network.healAll(MILD_NETWORK);
    for (const server of servers) server.start();
  }

  /** A process that ended by itself is started again by whoever keeps it running. */
  onExit(server: SimulatedServer): void {
    const { queue, random, settings } = this.#around;
    const delay = this.#isOver ? UNITS_PER_TICK : 1 + random.below(2 * settings.faultLasts);
    queue.after(delay, () => server.start());
  }

  #nextLater(): void {
    const { queue, random, settings } = this.#around;
    queue.after(1 + random.below(2 * settings.faultEvery), () => {
      if (this.#isOver) return;
      const kind = random.pick(this.#kinds);
      this.#around.trace.add(5, 0, this.#kinds.indexOf(kind));
      if (this.#strike(kind, this.#victim())) this.#around.count(kind);
      this.#nextLater();
    });
  }

  #victim(): SimulatedServer {
    const { random, servers, settings } = this.#around;
    const leader = servers.find(({ run }) => run?.node.status.role === 'leading');
    return leader !== undefined && random.chance(settings.aimAtLeader) ? leader : random.pick(servers);
  }

  /** False when it cannot strike there and now. */
  #strike(kind: FaultKind, victim: SimulatedServer): boolean {
    switch (kind) {
      case 'kill':
        return this.#end(victim, () => victim.kill());
      case 'powerLoss':
        return this.#end(victim, () => victim.losePower());
      case 'powerLossAll':
        for (const server of this.#around.servers) this.#end(server, () => server.losePower());
        return true;
      case 'powerLossSoon':
        return this.#end(victim, () => victim.losePowerSoon(this.#around.random.between(1, 30)));
      case 'stop':
        return this.#end(victim, () => victim.stop());
      case 'breakLink':
        return this.#breakLink(victim);
      case 'partition':
        return this.#partition();
      case 'isolate':
        return this.#cut((from, to) => from === victim.id || to === victim.id, `${victim.id} is cut off`);
      case 'oneWay':
        return this.#oneWay(victim);
      case 'pause':
        return this.#pause(victim);
      case 'swizzle':
        return this.#swizzle();
      case 'rollingRestart':
        return this.#restartAll();
      case 'clockJump':
        victim.wallOffsetMs = this.#around.random.pick([-HOUR_MS, HOUR_MS, 0]);
        return true;
      default:
        return this.#strikeDisk(kind, victim);
    }
  }

  #strikeDisk(kind: FaultKind, victim: SimulatedServer): boolean {
    const { random } = this.#around;
    const { disk } = victim;
    switch (kind) {
      case 'slowDisk':
        disk.times = SLOW_DISK;
        this.#later(() => (disk.times = this.#around.settings.disk));
        return true;
      case 'writeError':
        disk.writeErrors = random.between(1, 2);
        victim.tell('its disk refuses to write');
        return true;
      case 'readError':
        disk.readErrors = random.between(1, 2);
        victim.tell('its disk refuses to read');
        return true;
      case 'diskFull':
        victim.tell('its disk is full');
        disk.full = true;
        this.#later(() => (disk.full = false));
        return true;
      case 'wipe':
        return this.#harm(victim, () => disk.wipe(), 'its disk is lost');
      case 'rot':
        return this.#rot(victim, (server) => spoilSomeFile(server, random));
      case 'rotHardState':
        return this.#rot(victim, (server) => spoilHardState(server, random));
      case 'misread':
        if (!this.#canLose(victim) || !this.#end(victim, () => victim.kill())) return false;
        victim.harmedInRun = victim.runNumber;
        disk.misreads = random.between(1, 2);
        this.#later(() => (disk.misreads = 0), 4);
        return true;
      case 'misdirect':
        if (!this.#canLose(victim) || !victim.isRunning) return false;
        victim.harmedInRun = victim.runNumber;
        disk.misdirects = 1;
        this.#later(() => {
          disk.misdirects = 0;
          this.#end(victim, () => victim.losePower());
        });
        return true;
      default:
        return false;
    }
  }

  #later(action: () => void, factor = 1): void {
    const { queue, random, settings } = this.#around;
    queue.after(1 + random.below(2 * factor * settings.faultLasts), () => {
      if (!this.#isOver) action();
    });
  }

  #end(victim: SimulatedServer, how: () => void): boolean {
    if (!victim.isRunning) return false;
    how();
    this.#later(() => {
      victim.cancelPowerLoss();
      victim.start();
    });
    return true;
  }

  #canLose(victim: SimulatedServer): boolean {
    const { servers, quorum } = this.#around;
    return servers.filter((server) => server !== victim && server.counts).length >= quorum;
  }

  /** What it destroys is gone while the process is down. */
  #harm(victim: SimulatedServer, destroy: () => void, what: string): boolean {
    if (!this.#canLose(victim)) return false;
    if (this.#around.random.chance(0.5)) victim.kill();
    else victim.losePower();
    victim.tell(what);
    victim.harmedInRun = victim.runNumber;
    destroy();
    this.#around.network.forget(victim.id);
    this.#later(() => victim.start());
    return true;
  }

  /** Rot comes while the process is down, or beneath it while it runs: then the process is ended later, so that it looks at its disk again. */
  #rot(victim: SimulatedServer, spoil: (server: SimulatedServer) => void): boolean {
    if (!victim.isRunning || this.#around.random.chance(0.6)) {
      return this.#harm(victim, () => spoil(victim), 'its disk rots');
    }
    if (!this.#canLose(victim)) return false;
    victim.tell('its disk rots beneath it');
    victim.harmedInRun = victim.runNumber;
    spoil(victim);
    this.#later(() => this.#end(victim, () => victim.kill()));
    return true;
  }

  #breakLink(victim: SimulatedServer): boolean {
    const others = this.#around.servers.filter((server) => server !== victim);
    if (others.length === 0) return false;
    this.#around.network.breakLink(victim.id, this.#around.random.pick(others).id);
    return true;
  }

  #partition(): boolean {
    const { random, servers } = this.#around;
    const side = new Set(servers.filter(() => random.chance(0.5)).map((server) => server.id));
    return this.#cut((from, to) => side.has(from) !== side.has(to), `partition {${[...side].join(' ')}} | rest`);
  }

  #oneWay(victim: SimulatedServer): boolean {
    if (this.#around.random.chance(0.5)) return this.#cut((from) => from === victim.id, `nothing leaves ${victim.id}`);
    return this.#cut((_, to) => to === victim.id, `nothing reaches ${victim.id}`);
  }

  #cut(isCut: (from: ServerId, to: ServerId) => boolean, what: string): boolean {
    const { network, random, servers, trace } = this.#around;
    const isNoticed = random.chance(0.5);
    const paths = servers.flatMap(({ id: from }) =>
      servers.filter(({ id: to }) => from !== to && isCut(from, to)).map(({ id: to }) => [from, to] as const),
    );
    if (paths.length === 0) return false;
    trace.line(0, what);
    for (const [from, to] of paths) {
      network.block(from, to);
      if (isNoticed) network.breakLink(from, to);
    }
    this.#later(() => {
      trace.line(0, `end of: ${what}`);
      for (const [from, to] of paths) network.unblock(from, to);
    });
    return true;
  }

  #swizzle(): boolean {
    const { network, random, servers, trace } = this.#around;
    if (servers.length < 2) return false;
    for (const { id: from } of servers) {
      for (const { id: to } of servers) {
        if (from === to || random.chance(0.5)) continue;
        this.#later(() => {
          trace.line(0, `clogged: ${from} -> ${to}`);
          network.block(from, to);
          this.#later(() => network.unblock(from, to));
        });
      }
    }
    return true;
  }

  /** The next one is stopped when the one before it is most likely back. */
  #restartAll(): boolean {
    const { queue, random, servers, settings } = this.#around;
    for (const [turn, server] of random.shuffled(servers).entries()) {
      queue.after(1 + turn * 2 * settings.faultLasts, () => {
        if (!this.#isOver) this.#end(server, () => server.stop());
      });
    }
    return true;
  }

  #pause(victim: SimulatedServer): boolean {
    if (!victim.isRunning || victim.isPaused) return false;
    victim.pause();
    this.#later(() => victim.resume(), this.#around.random.pick([1, 4]));
    return true;
  }
}
