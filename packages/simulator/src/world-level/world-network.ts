import type { Random } from '../random.js';
import type { Machine, VirtualProcess } from './virtual-process.js';

/** Who has an end of a connection: servers from 1 on, clients from `CLIENTS_FROM` on. */
export type Party = number;

export const CLIENTS_FROM = 100;

export interface WorldNetworkSettings {
  readonly latencyMin: number;
  readonly latencySpread: number;
  /** How long an end takes to notice that the other one is gone. */
  readonly noticeMax: number;
  /** How often what is written at once arrives in pieces. */
  readonly splitRate: number;
}

/** Who accepts connections at a party. */
export interface Listener {
  readonly process: VirtualProcess;
  /** A server has connected; runs in the listener's process. */
  onPeer(wire: Wire): void;
}

interface Path {
  isBlocked: boolean;
  held: (() => void)[];
}

/** What one end of a connection is told of it. */
export interface WireEnd {
  readonly process: VirtualProcess;
  /** The other end is gone, or the way to it. Told once. */
  onLost(): void;
}

/** One direction of a connection: what is sent on it arrives in order. */
interface Way {
  lastArrival: number;
}

/** A connection between two processes. What is sent arrives in order, unless it ends: then what was on its way is lost. */
export class Wire {
  readonly from: Party;
  readonly to: Party;
  /** The end that dialled, for a connection between servers. */
  opener: WireEnd | undefined;
  readonly #network: WorldNetwork;
  readonly #ends = new Map<Party, WireEnd>();
  readonly #ways = new Map<Party, Way>();
  /** The ends that still take it for open. */
  readonly #open = new Set<Party>();
  #isCut = false;

  constructor(network: WorldNetwork, from: Party, to: Party) {
    this.#network = network;
    this.from = from;
    this.to = to;
    for (const party of [from, to]) {
      this.#ways.set(party, { lastArrival: 0 });
      this.#open.add(party);
    }
  }

  /** The process at an end is known. */
  join(party: Party, end: WireEnd): void {
    this.#ends.set(party, end);
  }

  isOpenAt(party: Party): boolean {
    return this.#open.has(party);
  }

  get isOver(): boolean {
    return this.#open.size === 0;
  }

  other(party: Party): Party {
    return party === this.from ? this.to : this.from;
  }

  /** Asks the other party to accept: `onAccepted` runs in its process, `onRefused` in that of the end that dialled when nobody listens there. */
  dial(onAccepted: (listener: Listener) => void, onRefused: () => void): void {
    const { from, to } = this;
    this.#network.convey(from, to, this.#ways.get(from)!, () => {
      if (this.#isCut || !this.#open.has(to)) return;
      const listener = this.#network.listenerOf(to);
      if (listener !== undefined) return listener.process.deliver('input', () => onAccepted(listener));
      this.#open.delete(to);
      this.#network.convey(to, from, this.#ways.get(to)!, () => {
        if (this.#open.has(from)) this.#ends.get(from)?.process.deliver('input', onRefused);
      });
    });
  }

  /** Sends from an end: `arrive` runs at the other one, in its process, if all goes well. */
  send(from: Party, arrive: () => void): void {
    const to = this.other(from);
    if (this.#isCut || !this.#open.has(from)) return;
    this.#network.convey(from, to, this.#ways.get(from)!, () => {
      if (this.#isCut || !this.#open.has(to)) return;
      this.#ends.get(to)?.process.deliver('input', () => {
        if (!this.#isCut && this.#open.has(to)) arrive();
      });
    });
  }

  /** One end closes it: it hears nothing more, and the other end hears of it after all that was sent before. */
  close(party: Party): void {
    if (!this.#open.has(party)) return;
    const to = this.other(party);
    this.#network.convey(party, to, this.#ways.get(party)!, () => this.#lose(to));
    this.#open.delete(party);
    this.#settle();
  }

  /** It breaks: what is on its way is lost, and each end notices in its own time. */
  break(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const party of [...this.#open]) this.#network.later(() => this.#lose(party));
  }

  /** The process of an end is gone. */
  abandon(party: Party): void {
    if (!this.#open.delete(party)) return;
    const to = this.other(party);
    this.#settle();
    this.#network.later(() => this.#network.convey(party, to, this.#ways.get(party)!, () => this.#lose(to)));
  }

  #lose(party: Party): void {
    if (!this.#open.has(party)) return;
    const end = this.#ends.get(party);
    const lose = (): void => {
      if (!this.#open.delete(party)) return;
      this.#settle();
      end?.onLost();
    };
    if (end === undefined) lose();
    else end.process.deliver('input', lose);
  }

  #settle(): void {
    if (this.isOver) this.#network.forget(this);
  }
}

/** The network between all processes: latency, ways that are cut in one direction or both, connections that break. */
export class WorldNetwork {
  settings: WorldNetworkSettings;
  readonly #machine: Machine;
  readonly #random: Random;
  readonly #paths = new Map<number, Path>();
  readonly #wires = new Set<Wire>();
  readonly #listeners = new Map<Party, Listener>();

  constructor(machine: Machine, settings: WorldNetworkSettings) {
    this.#machine = machine;
    this.#random = machine.random;
    this.settings = settings;
  }

  /** The connections that there are. */
  get wires(): readonly Wire[] {
    return [...this.#wires];
  }

  open(from: Party, to: Party): Wire {
    const wire = new Wire(this, from, to);
    this.#wires.add(wire);
    return wire;
  }

  /** Accepts connections from now on, or, undefined, no more. */
  listen(party: Party, listener: Listener | undefined): void {
    if (listener === undefined) this.#listeners.delete(party);
    else this.#listeners.set(party, listener);
  }

  listenerOf(party: Party): Listener | undefined {
    return this.#listeners.get(party);
  }

  forget(wire: Wire): void {
    this.#wires.delete(wire);
  }

  /** The process of a party is gone, and its ends of connections with it. */
  abandonAll(party: Party): void {
    for (const wire of this.wires) if (wire.from === party || wire.to === party) wire.abandon(party);
  }

  block(from: Party, to: Party): void {
    this.#path(from, to).isBlocked = true;
  }

  /** What was held comes now: connections outlive a cut that nobody noticed. */
  unblock(from: Party, to: Party): void {
    const path = this.#path(from, to);
    path.isBlocked = false;
    const { held } = path;
    path.held = [];
    for (const depart of held) depart();
  }

  healAll(settings: WorldNetworkSettings): void {
    this.settings = settings;
    for (const path of this.#paths.values()) {
      path.isBlocked = false;
      const { held } = path;
      path.held = [];
      for (const depart of held) depart();
    }
  }

  latency(): number {
    return this.settings.latencyMin + this.#random.below(this.settings.latencySpread);
  }

  later(callback: () => void): void {
    this.#machine.after(1 + this.#random.below(this.settings.noticeMax), callback);
  }

  convey(from: Party, to: Party, way: Way, arrive: () => void): void {
    const path = this.#path(from, to);
    const depart = (): void => {
      const at = Math.max(way.lastArrival, this.#machine.queue.now + this.latency());
      way.lastArrival = at;
      this.#machine.after(at - this.#machine.queue.now, arrive);
    };
    if (path.isBlocked) path.held.push(depart);
    else depart();
  }

  #path(from: Party, to: Party): Path {
    const key = from * 1_000 + to;
    let path = this.#paths.get(key);
    if (path === undefined) this.#paths.set(key, (path = { isBlocked: false, held: [] }));
    return path;
  }
}
