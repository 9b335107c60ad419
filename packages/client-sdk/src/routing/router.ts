import type { ChannelTarget, OpenChannel } from '../channel/channel.js';
import { parseEndpoint, type EndpointAddress } from './endpoint-address.js';
import { Endpoint } from './endpoint.js';

/** Servers that a client knows of, at most, beside its own endpoints. */
const MEMBERS_MAX = 64;

/** Which server a request is for: whoever leads, any, or one. Every server takes every request; some are nearer. */
export type Route =
  { readonly kind: 'leader' } | { readonly kind: 'any' } | { readonly kind: 'server'; readonly serverId: number };

/** What a reply tells of the cluster. */
export interface ClusterView {
  readonly serverId: number;
  /** 0 when it knows none. */
  readonly leaderId: number;
  readonly epoch: number;
}

export interface RouterOptions extends Pick<ChannelTarget, 'messageBytesMax'> {
  readonly endpoints: readonly EndpointAddress[];
  readonly open: OpenChannel;
}

/**
 * Knows the servers, who leads, and who is well, and chooses where a request goes. Nothing here waits or sends.
 */
export class Router {
  readonly #options: RouterOptions;
  readonly #protocol: 'http:' | 'https:';
  readonly #seeds: readonly Endpoint[];
  #discovered: readonly Endpoint[] = [];
  #endpoints: readonly Endpoint[];
  /** The server that is asked when any will do: it stays the same while it is well, and is a random one at first. */
  #home: Endpoint | undefined;
  #leaderId = 0;
  #epoch = 0;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#protocol = options.endpoints[0]?.url.startsWith('https:') === true ? 'https:' : 'http:';
    this.#seeds = shuffled(options.endpoints).map((where) => this.openEndpoint(where));
    this.#endpoints = this.#seeds;
  }

  /** The client's own endpoints, then those that the cluster told. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** The leader's id, as far as known; 0 when not. */
  get leaderId(): number {
    return this.#leaderId;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** What is spoken to a member whose address is `host:port`. */
  get protocol(): 'http:' | 'https:' {
    return this.#protocol;
  }

  openEndpoint(where: EndpointAddress): Endpoint {
    return new Endpoint(where, this.#options.open, this.#options.messageBytesMax);
  }

  /** The endpoint of a server: one of the client's own before one that the cluster told, which may not be reachable from here. */
  byServerId(serverId: number): Endpoint | undefined {
    return this.endpoints.find((endpoint) => endpoint.serverId === serverId);
  }

  /** Whether the leader is known, well, and another server than this one. */
  isLedByOtherThan(endpoint: Endpoint): boolean {
    const leader = this.#leaderId === 0 ? undefined : this.byServerId(this.#leaderId);
    return leader !== undefined && leader !== endpoint && leader.healthyAt(performance.now());
  }

  /** A server, well as far as known and not this one, that can be asked about it: another one each time, by chance. */
  otherThan(endpoint: Endpoint): Endpoint | undefined {
    const nowMs = performance.now();
    const others = this.endpoints.filter((other) => other !== endpoint && other.healthyAt(nowMs));
    return others[Math.floor(Math.random() * others.length)];
  }

  /**
   * Chooses where to send a request.
   *
   * @param tried - Where it was sent in this round, in vain.
   * @returns Undefined when nobody is left to be tried before a pause.
   */
  pick(route: Route, tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    if (route.kind === 'server') {
      const endpoint = this.byServerId(route.serverId);
      return endpoint === undefined || tried.has(endpoint) ? undefined : endpoint;
    }
    const nowMs = performance.now();
    const usable = (endpoint: Endpoint | undefined): endpoint is Endpoint =>
      endpoint !== undefined && endpoint.healthyAt(nowMs) && !tried.has(endpoint);
    const leader = route.kind === 'leader' && this.#leaderId !== 0 ? this.byServerId(this.#leaderId) : undefined;
    if (usable(leader)) return leader;
    if (usable(this.#home)) return this.#home;
    const next = this.endpoints.find(usable);
    if (next !== undefined) {
      this.#home = next;
      return next;
    }
    // Nobody is well. After a pause it is the turn of whoever was left alone for longest.
    return tried.size > 0 ? undefined : this.#leastUnwell();
  }

  /** A server served a request, or refused it for a reason that is the request's. */
  succeeded(endpoint: Endpoint): void {
    endpoint.succeeded();
  }

  /** A server told of itself and the cluster. */
  learn(endpoint: Endpoint, view: ClusterView): void {
    if (view.serverId !== 0) endpoint.learnServerId(view.serverId);
    if (view.epoch < this.#epoch) return;
    this.#epoch = view.epoch;
    if (view.leaderId !== 0) this.#leaderId = view.leaderId;
  }

  /**
   * A server cannot serve at present, and may know who can.
   *
   * @param leaderId - Whom it holds for the leader; 0 for nobody.
   * @returns True when that is somebody else, known and well: the request should go there at once.
   */
  refused(endpoint: Endpoint, leaderId: number): boolean {
    this.#distrust(endpoint);
    if (leaderId === 0 || leaderId === endpoint.serverId) return false;
    const leader = this.byServerId(leaderId);
    if (leader?.healthyAt(performance.now()) === false) return false;
    this.#leaderId = leaderId;
    return leader !== undefined;
  }

  /** A server was not reached, did not answer in time, or answered with garbage. */
  failed(endpoint: Endpoint, leastMs?: number): void {
    endpoint.failed(leastMs);
    this.#distrust(endpoint);
  }

  /** The members, as a server told them. Those that are not heard of any more are closed. */
  learnMembers(members: readonly { readonly serverId: number; readonly address: string }[]): void {
    const kept: Endpoint[] = [];
    for (const member of members.slice(0, MEMBERS_MAX)) {
      const where = parseEndpoint(member.address, this.#protocol);
      if (where === undefined || member.serverId === 0) continue;
      const seed = this.#seeds.find((endpoint) => endpoint.url === where.url);
      if (seed !== undefined) {
        seed.learnServerId(member.serverId);
        continue;
      }
      const known = this.#discovered.find((endpoint) => endpoint.url === where.url);
      const endpoint = known ?? this.openEndpoint(where);
      endpoint.learnServerId(member.serverId);
      if (endpoint.serverId === member.serverId) kept.push(endpoint);
    }
    for (const endpoint of this.#discovered) if (!kept.includes(endpoint)) endpoint.close();
    this.#discovered = kept;
    this.#endpoints = [...this.#seeds, ...kept];
    if (this.#home !== undefined && !this.endpoints.includes(this.#home)) this.#home = undefined;
  }

  close(): void {
    for (const endpoint of this.endpoints) endpoint.close();
  }

  #distrust(endpoint: Endpoint): void {
    if (this.#home === endpoint) this.#home = undefined;
    if (endpoint.serverId === this.#leaderId) this.#leaderId = 0;
  }

  #leastUnwell(): Endpoint | undefined {
    let least: Endpoint | undefined;
    for (const endpoint of this.endpoints) {
      if (least === undefined || endpoint.retryAtMs < least.retryAtMs) least = endpoint;
    }
    return least;
  }
}

/** A copy in random order: a thousand clients with one list do not all begin with its first server. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
