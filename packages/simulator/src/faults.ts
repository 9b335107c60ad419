import type { ServerId } from '@zkl/consensus';
import type { EventQueue } from './event-queue.js';
import type { Random } from './random.js';
import { MILD_NETWORK, type FaultWeights, type Settings } from './swarm.js';
import type { Trace } from './trace.js';
import type { VirtualNetwork } from './virtual-network.js';
import type { VirtualServer } from './virtual-server.js';

export interface FaultSurroundings {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly network: VirtualNetwork;
  readonly trace: Trace;
  readonly settings: Settings;
  readonly servers: readonly VirtualServer[];
  readonly quorum: number;
  onWiped(server: VirtualServer): void;
}

type FaultKind = keyof FaultWeights;

/**
 * What goes wrong, and when it ends. The atlas: a disk is wiped or damaged only while a quorum of others still holds a history of its own, whole,
 * because losing more copies than that is beyond what any protocol could stand.
 */
export class Faults {
  readonly #around: FaultSurroundings;
  readonly #kinds: FaultKind[] = [];
  readonly counts = new Map<FaultKind, number>();
  #over = false;

  constructor(around: FaultSurroundings) {
    this.#around = around;
    for (const [kind, weight] of Object.entries(around.settings.faults) as [FaultKind, number][]) {
      for (let i = 0; i < weight; i++) this.#kinds.push(kind);
    }
  }

  start(): void {
    if (this.#around.settings.faultEvery > 0 && this.#kinds.length > 0) this.#nextLater();
  }

  /** Nothing breaks any more, and what is broken is mended: all run, all are connected. */
  healAll(): void {
    this.#over = true;
    const { network, servers } = this.#around;
    for (const server of servers) {
      server.resume();
      server.crashInTurn = false;
    }
    network.healAll(MILD_NETWORK);
    for (const server of servers) if (!server.alive) server.start();
  }

  /** One that was told to stop just before the faults ended starts again at once. */
  onRetired(server: VirtualServer): void {
    if (this.#over) this.#around.queue.after(1, () => this.#restart(server));
  }

  #nextLater(): void {
    const { queue, random, settings } = this.#around;
    queue.after(1 + random.below(2 * settings.faultEvery), () => {
      if (this.#over) return;
      this.#strike(random.pick(this.#kinds));
      this.#nextLater();
    });
  }

  #strike(kind: FaultKind): void {
    const victim = this.#victim();
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.#around.trace.add(5, victim.id, this.#kinds.indexOf(kind));
    switch (kind) {
      case 'crash':
        return this.#crash(victim);
      case 'crashAll':
        return this.#crashAll();
      case 'crashInTurn':
        return this.#crashInTurn(victim);
      case 'breakLink':
        return this.#breakLink(victim);
      case 'partition':
        return this.#partition();
      case 'isolate':
        return this.#isolate(victim);
      case 'oneWay':
        return this.#oneWay(victim);
      case 'pause':
        return this.#pause(victim);
      case 'wipe':
        return this.#wipe(victim);
      case 'damage':
        return this.#damage(victim);
      case 'retire':
        return this.#retire(victim);
    }
  }

  #victim(): VirtualServer {
    const { random, servers, settings } = this.#around;
    const leader = servers.find((server) => server.core?.status.role === 'leading');
    return leader !== undefined && random.chance(settings.aimAtLeader) ? leader : random.pick(servers);
  }

  #later(action: () => void, factor = 1): void {
    const { queue, random, settings } = this.#around;
    queue.after(1 + random.below(2 * factor * settings.faultLasts), () => {
      if (!this.#over) action();
    });
  }

  #crash(victim: VirtualServer): void {
    if (!victim.alive) return;
    this.#around.trace.line(victim.id, 'crashes');
    victim.crash();
    this.#later(() => this.#restart(victim));
  }

  #restart(server: VirtualServer): void {
    if (server.alive) return;
    this.#around.trace.line(server.id, 'starts');
    server.start();
  }

  #crashAll(): void {
    for (const server of this.#around.servers) this.#crash(server);
  }

  #crashInTurn(victim: VirtualServer): void {
    if (!victim.alive) return;
    victim.crashInTurn = true;
    this.#later(() => {
      if (victim.crashInTurn) victim.crashInTurn = false;
      this.#restart(victim);
    });
  }

  #breakLink(victim: VirtualServer): void {
    const other = this.#other(victim);
    if (other === undefined) return;
    this.#around.trace.line(victim.id, `loses its connection with ${other.id}`);
    this.#around.network.breakLink(victim.id, other.id);
  }

  #other(victim: VirtualServer): VirtualServer | undefined {
    const others = this.#around.servers.filter((server) => server !== victim);
    return others.length === 0 ? undefined : this.#around.random.pick(others);
  }

  #partition(): void {
    const { random, servers } = this.#around;
    const side = new Set(servers.filter(() => random.chance(0.5)).map((server) => server.id));
    this.#cut((from, to) => side.has(from) !== side.has(to), `partition {${[...side].join(' ')}} | rest`);
  }

  #isolate(victim: VirtualServer): void {
    this.#cut((from, to) => from === victim.id || to === victim.id, `${victim.id} is cut off`);
  }

  /** To it, from it, or one path only. */
  #oneWay(victim: VirtualServer): void {
    const other = this.#other(victim)?.id;
    const shape = this.#around.random.below(3);
    if (shape === 0) return this.#cut((from) => from === victim.id, `nothing leaves ${victim.id}`);
    if (shape === 1) return this.#cut((_, to) => to === victim.id, `nothing reaches ${victim.id}`);
    this.#cut((from, to) => from === victim.id && to === other, `nothing gets from ${victim.id} to ${other ?? 0}`);
  }

  #cut(isCut: (from: ServerId, to: ServerId) => boolean, what: string): void {
    const { network, random, servers, trace } = this.#around;
    const isNoticed = random.chance(0.5);
    const paths: [ServerId, ServerId][] = [];
    for (const { id: from } of servers) {
      for (const { id: to } of servers) if (from !== to && isCut(from, to)) paths.push([from, to]);
    }
    trace.line(0, what);
    for (const [from, to] of paths) {
      network.block(from, to);
      if (isNoticed) network.breakLink(from, to);
    }
    this.#later(() => {
      trace.line(0, `end of: ${what}`);
      for (const [from, to] of paths) network.unblock(from, to);
    });
  }

  #pause(victim: VirtualServer): void {
    if (!victim.alive) return;
    const { trace, random } = this.#around;
    trace.line(victim.id, 'pauses');
    victim.paused = true;
    const goOn = (): void => {
      trace.line(victim.id, 'goes on');
      victim.resume();
    };
    // Often long enough for the others to elect another leader meanwhile.
    this.#later(goOn, random.pick([1, 4]));
  }

  /** Whether a quorum of servers other than this one counts. */
  #canLose(victim: VirtualServer): boolean {
    const { servers, quorum } = this.#around;
    return servers.filter((server) => server !== victim && server.counts).length >= quorum;
  }

  #wipe(victim: VirtualServer): void {
    if (!this.#canLose(victim)) return;
    this.#around.trace.line(victim.id, 'crashes, and its disk is lost');
    victim.crash();
    this.#around.onWiped(victim);
    victim.disk.wipe();
    this.#around.network.forget(victim.id);
    this.#later(() => this.#restart(victim));
    this.#cutOffAnother(victim);
  }

  /** Often when a server comes back without its memory, or part of it, another that could tell is out of reach. */
  #cutOffAnother(victim: VirtualServer): void {
    const { random } = this.#around;
    if (!random.chance(0.5)) return;
    const other = this.#victim();
    if (other === victim) return;
    if (random.chance(0.5)) this.#isolate(other);
    else this.#crash(other);
  }

  #damage(victim: VirtualServer): void {
    if (!this.#canLose(victim)) return;
    const { random, trace } = this.#around;
    victim.crash();
    this.#around.onWiped(victim);
    const count = random.between(1, 4);
    trace.line(victim.id, `crashes, and its last ${count} blocks become unreadable`);
    victim.disk.damage(count);
    this.#later(() => this.#restart(victim));
    this.#cutOffAnother(victim);
  }

  #retire(victim: VirtualServer): void {
    if (!victim.alive) return;
    this.#around.trace.line(victim.id, 'is told to stop in good order');
    victim.input({ kind: 'retire' });
    this.#later(() => this.#restart(victim));
  }
}
