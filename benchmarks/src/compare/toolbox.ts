import { buildProgram, type ProgramBuild } from '../../../tests/build/build-program.js';
import type { Peers } from './peers/find-peers.js';
import { etcdServers } from './systems/etcd.js';
import type { Launch, ServerKind, SystemName } from './systems/system.js';
import { zklServers } from './systems/zkl.js';
import { zookeeperServers } from './systems/zookeeper.js';

/** Everything that is started: built once, and removed at the end. */
export class Toolbox implements AsyncDisposable {
  readonly #peers: Peers;
  readonly #server: ProgramBuild;
  readonly #sdkLoad: ProgramBuild;

  private constructor(peers: Peers, server: ProgramBuild, sdkLoad: ProgramBuild) {
    this.#peers = peers;
    this.#server = server;
    this.#sdkLoad = sdkLoad;
  }

  static async build(peers: Peers): Promise<Toolbox> {
    const server = await buildProgram('@zkl/server', 'zkl-server');
    return new Toolbox(peers, server, await buildProgram('@zkl/benchmarks', 'sdk-load'));
  }

  /** The systems that are there. */
  get systems(): readonly SystemName[] {
    const { etcd, zookeeper } = this.#peers;
    return ['zkl', ...(etcd ? (['etcd'] as const) : []), ...(zookeeper ? (['zookeeper'] as const) : [])];
  }

  /** Whether there is a client that is not ours. */
  get hasForeignClient(): boolean {
    return this.#peers.grpcLoad !== undefined;
  }

  /** The server of zkl, as it was built: a JavaScript file. */
  get serverProgram(): string {
    return this.#server.program;
  }

  /** @param zklFlags - More flags for zkl's servers, where a row says so. */
  servers(system: SystemName, zklFlags: readonly string[] = []): ServerKind {
    const { etcd, zookeeper } = this.#peers;
    if (system === 'etcd' && etcd) return etcdServers(etcd.server);
    if (system === 'zookeeper' && zookeeper) return zookeeperServers(zookeeper);
    return zklServers(this.#server.program, zklFlags);
  }

  /** The generator that a system is driven with. */
  load(system: SystemName): Launch {
    const { grpcLoad, zookeeper } = this.#peers;
    if (system === 'etcd' && grpcLoad) return grpcLoad;
    if (system === 'zookeeper' && zookeeper) return zookeeper.load;
    return { command: process.execPath, args: [this.#sdkLoad.program] };
  }

  /** The generator on grpc-go. @throws Error where it could not be built. */
  get foreignLoad(): Launch {
    if (!this.#peers.grpcLoad) throw new Error('there is no generator on grpc-go');
    return this.#peers.grpcLoad;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#server.remove(), this.#sdkLoad.remove()]);
  }
}
