import { connect } from 'node:net';
import type { Dial } from '@zkl/client-sdk';
import type { ClusterMember } from '@zkl/cli/cluster';
import { Random } from '../workload/random.js';
import { LinkProxy } from './link-proxy.js';
import { Path, type PathTrouble } from './path.js';

/** Where packets come from and go to: a server's id, or `clients`, which are all in one place. */
export type Place = number | 'clients';

/**
 * A network of one's own between server processes, and between them and clients: a TCP proxy for every ordered pair, so that it needs no
 * root and no network namespaces, and the processes run as they are. Each server is started with members of its own: the others at the proxies that lead from it to them.
 *
 * What goes from A to B is spoiled on every connection between the two, whoever made it.
 */
export class Network implements AsyncDisposable {
  readonly #ids: readonly number[];
  readonly #paths = new Map<string, Path>();
  readonly #proxies = new Map<string, LinkProxy>();
  /** Whose every port is: the server's own, and those of the proxies to it. */
  readonly #owners = new Map<number, number>();

  private constructor(ids: readonly number[], random: Random) {
    this.#ids = ids;
    for (const from of this.places) {
      for (const to of this.places) if (from !== to) this.#paths.set(key(from, to), new Path(random));
    }
  }

  /** @param size - Servers, with the ids from 1. */
  static async open(size: number, seed: number): Promise<Network> {
    const ids = Array.from({ length: size }, (_, index) => index + 1);
    const network = new Network(ids, new Random(seed));
    for (const to of ids) {
      for (const from of network.places) {
        if (from === to) continue;
        const proxy = await LinkProxy.open(network.#path(from, to), network.#path(to, from));
        network.#proxies.set(key(from, to), proxy);
        network.#owners.set(proxy.port, to);
      }
    }
    return network;
  }

  get places(): readonly Place[] {
    return [...this.#ids, 'clients'];
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  /** Flags for a server: it listens where it is, and reaches the others through their proxies. Clients are told the way that is theirs. */
  readonly serverArgs = (member: ClusterMember): readonly string[] => {
    const port = member.address.slice(member.address.lastIndexOf(':') + 1);
    this.#owners.set(Number(port), member.id);
    for (const from of this.places) {
      const proxy = this.#proxies.get(key(from, member.id));
      if (proxy !== undefined) proxy.target = Number(port);
    }
    const members = this.#ids.map(
      (to) => `${to}=127.0.0.1:${this.#proxy(to === member.id ? 'clients' : member.id, to).port}`,
    );
    return ['--members', members.join(','), '--host', '127.0.0.1', '--port', port];
  };

  /** The servers' addresses for clients. */
  get endpoints(): readonly string[] {
    return this.#ids.map((id) => `127.0.0.1:${this.#proxy('clients', id).port}`);
  }

  /** How clients reach a server, whichever server told them of it. */
  readonly dial: Dial = ({ host, port }) => {
    const owner = this.#owners.get(port);
    return connect({ host, port: owner === undefined ? port : this.#proxy('clients', owner).port, noDelay: true });
  };

  /** Spoils what goes from one place to another. */
  oneWay(from: Place, to: Place, trouble: PathTrouble): void {
    this.#path(from, to).set(trouble);
  }

  /** Spoils both directions. */
  between(one: Place, other: Place, trouble: PathTrouble): void {
    this.oneWay(one, other, trouble);
    this.oneWay(other, one, trouble);
  }

  /** Nothing gets from one side to the other. Places that are on neither side reach everybody. */
  partition(side: readonly Place[], other: readonly Place[]): void {
    for (const a of side) for (const b of other) if (a !== b) this.between(a, b, { blocked: true });
  }

  /** Everything between servers is spoiled in the same way; and what clients say, if they are among the places. */
  everywhere(trouble: PathTrouble, places: readonly Place[] = this.#ids): void {
    for (const a of places) for (const b of places) if (a !== b) this.oneWay(a, b, trouble);
  }

  /** All is well. What was held goes on, unless `cut`: then all connections of paths that were blocked break, and it is lost. */
  heal(options: { readonly cut?: boolean } = {}): void {
    if (options.cut === true) {
      for (const [name, proxy] of this.#proxies) {
        const [from, to] = name.split('>') as [string, string];
        const isBlocked = [key(from, to), key(to, from)].some((path) => this.#paths.get(path)?.isBlocked === true);
        if (isBlocked) proxy.cut();
      }
    }
    for (const path of this.#paths.values()) path.set({});
  }

  /** Breaks the connections between two places. @returns how many. */
  cut(one: Place, other: Place): number {
    return [key(one, other), key(other, one)].reduce((sum, name) => sum + (this.#proxies.get(name)?.cut() ?? 0), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }

  #path(from: Place, to: Place): Path {
    return this.#paths.get(key(from, to)) as Path;
  }

  #proxy(from: Place, to: number): LinkProxy {
    return this.#proxies.get(key(from, to)) as LinkProxy;
  }
}

function key(from: number | string, to: number | string): string {
  return `${from}>${to}`;
}
