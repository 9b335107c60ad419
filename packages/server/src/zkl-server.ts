import { compareZxid, ZXID_ZERO, type NodeStatus } from '@zkl/consensus';
import { composeServer, type ServerParts } from './compose-server.js';
import { deferred } from './deferred.js';
import { ServerError } from './errors/server-error.js';
import { toServerError } from './errors/to-server-error.js';
import type { Logger } from './observability/logger.js';
import { formatAddress, type MemberAddress } from './options/members.js';
import type { ServerOptions } from './options/resolve-options.js';
import { DirectPort } from './direct/direct-port.js';
import { listenOnePort, type OnePort } from './port/one-port.js';
import type { ServerStatus } from './services/cluster-service.js';
import type { Surroundings } from './surroundings.js';
import { zxidFromBigint } from './services/zxid-codec.js';
import { VERSION } from './version.js';

/** Options of `ZklServer.stop`. */
export interface StopOptions {
  /**
   * True (the default): a leader hands over first, and requests under way are answered, each for at most `timing.shutdownGraceMs`. False: everything is
   * dropped at once, as when the process is killed; what was acknowledged is safe all the same.
   */
  readonly graceful?: boolean;
}

/** A running server: made by `createServer`, ended by `stop` or at the end of an `await using` block. */
export class ZklServer implements AsyncDisposable {
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  readonly #parts: ServerParts;
  readonly #surroundings: Surroundings;
  readonly #ready = deferred<void>();
  readonly #failed = deferred<ServerError>();
  #port: OnePort | undefined;
  #stopping: Promise<void> | undefined;
  #announced: { readonly serving: boolean; readonly role: string } = { serving: false, role: '' };
  /** Who led last, this server or another; undefined before anybody did. */
  #leader: number | undefined;

  private constructor(options: ServerOptions, logger: Logger, parts: ServerParts, surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.#logger = logger;
    this.#parts = parts;
  }

  /** As `createServer`, with options that are settled. `surroundings`: the machine's own, but for tests. */
  static async start(options: ServerOptions, logger: Logger, surroundings: Surroundings = {}): Promise<ZklServer> {
    const bound = logger.child({ serverId: options.serverId, clusterId: options.clusterId });
    // The parts are made before there is a server that could be told of a failure, and none of them fails before it is started.
    const made: { server?: ZklServer } = {};
    const hooks = {
      onFatal: (error: Error) => made.server?.onFatal(error),
      connections: () => made.server?.connections ?? 0,
      ownAddress: () => made.server?.address ?? { host: options.host, port: options.port },
    };
    const parts = await composeServer(options, bound, hooks, surroundings).catch((error: unknown) => {
      throw toServerError(error);
    });
    const server = new ZklServer(options, bound, parts, surroundings);
    made.server = server;
    await server.#start();
    return server;
  }

  /** Where it listens: the real port when 0 was asked for. */
  get address(): MemberAddress {
    return this.#port?.address ?? { host: this.#options.host, port: this.#options.port };
  }

  /** Open connections, of clients and of other servers. */
  get connections(): number {
    return this.#port?.connections ?? 0;
  }

  /** Resolves when the server takes part in a quorum for the first time. Rejects with a ServerError when it ends before that. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves with the reason when the server's run ends by itself: by then it has stopped serving. Never rejects; pending for ever when all goes well. */
  get failed(): Promise<ServerError> {
    return this.#failed.promise;
  }

  /** What the server looks like at this moment. */
  status(): ServerStatus {
    return this.#parts.status();
  }

  /**
   * Ends a session as if its client had been silent for its timeout; its ephemeral nodes go. Only the leader may. Resolves with whether that was
   * committed: false when this server does not lead, or lost the lead over it.
   */
  expireSession(sessionId: bigint): Promise<boolean> {
    return this.#parts.coordination.expireSession(zxidFromBigint(sessionId));
  }

  /** Stops. Resolves when every socket is closed and the data folder is free. May be called again; the first call's manner counts. */
  stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.graceful ?? true);
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    const { node, handleHttp, handleStream, direct, transport } = this.#parts;
    const { host, port, limits } = this.#options;
    try {
      // The port first: a server that cannot be reached must not take part in an election.
      this.#port = await listenOnePort({
        host,
        port,
        limits: {
          connectionsMax: limits.connectionsMax,
          connectionsPerAddressMax: limits.connectionsPerAddressMax,
          http2StreamsMax: limits.http2StreamsMax,
        },
        listen: this.#surroundings.listen,
        onHttp: handleHttp,
        onHttp2Stream: handleStream,
        direct: (portLimits) => new DirectPort(direct, portLimits),
        onPeer: (socket, head) => transport.accept(socket, head),
        onRefused: (reason, address) =>
          this.#logger.debug({ event: 'connection_refused', reason, address }, 'a connection was closed unserved'),
      });
      node.onStatus((status) => this.#onStatus(status));
      await node.start();
      this.#refuseHopelessDamage(node.status);
      this.#parts.open();
      this.#logStarted(node.status);
      this.#onStatus(node.status);
    } catch (error) {
      const reason = toServerError(error);
      this.#ready.reject(reason);
      await this.stop({ graceful: false });
      throw reason;
    }
  }

  /** Damage is repaired by the others. A server that has no others, or only damaged ones, must not pretend that what it lost never was. */
  #refuseHopelessDamage({ damage }: NodeStatus): void {
    if (damage === undefined) return;
    if (this.#options.members.size > 1) {
      this.#logger.warn(
        { event: 'log_damaged', damage },
        'part of the log is unreadable: this server does not vote until a leader has repaired it',
      );
      return;
    }
    throw new ServerError(
      'DAMAGE',
      `part of the log is unreadable, and there is no other server to repair it from: ${damage}. Look with: zkl-server inspect ${this.#options.dataFolder}`,
    );
  }

  #logStarted(status: NodeStatus): void {
    const { dataFolder, members } = this.#options;
    const fresh = compareZxid(status.lastLogged, ZXID_ZERO) === 0;
    const address = formatAddress(this.address);
    this.#logger.info(
      { event: 'listening', address, dataFolder, fresh, members: members.size, version: VERSION, pid: process.pid },
      `listening on ${address}`,
    );
  }

  #onStatus(status: NodeStatus): void {
    const { view, coordination, transport } = this.#parts;
    coordination.onStatus(status);
    view.update(status);
    const { role, serving, epoch, leader, lookingBecause } = status;
    if (leader !== undefined && leader !== this.#leader) {
      if (this.#leader !== undefined) transport.abandonForwards(this.#leader);
      this.#leader = leader;
    }
    const before = this.#announced;
    this.#announced = { role, serving };
    if (role !== before.role) {
      const reason = role === 'looking' ? { reason: lookingBecause } : {};
      this.#logger.info({ event: role, epoch, leader, ...reason }, `is ${role}`);
    }
    if (serving && !before.serving) {
      this.#logger.info(
        { event: 'serving', role, epoch, leader, address: formatAddress(this.address) },
        'takes part in a quorum',
      );
      this.#ready.resolve();
    } else if (!serving && before.serving) {
      this.#logger.warn({ event: 'not_serving', reason: lookingBecause, epoch }, 'takes part in no quorum');
    }
  }

  async #stop(graceful: boolean): Promise<void> {
    const { node, view, shutdown } = this.#parts;
    const graceMs = graceful ? this.#options.timing.shutdownGraceMs : 0;
    this.#ready.reject(new ServerError('INTERNAL', 'the server was stopped before it served'));
    this.#logger.info({ event: 'stopping', graceful }, 'stops');
    view.stop();
    // Killed: clients first, so that nothing is answered that a killed process would not have answered.
    if (!graceful) await this.#port?.close({ graceMs: 0 });
    await node.stop({ graceful, timeoutMs: graceMs });
    shutdown();
    await this.#port?.close({ graceMs });
    await this.#parts.close();
    this.#logger.info({ event: 'stopped' }, 'has stopped');
  }

  /** The run is over: nothing more can be acknowledged. */
  private onFatal(error: Error): void {
    const reason = toServerError(error);
    this.#logger.fatal({ event: 'failed', code: reason.code, error }, reason.message);
    this.#ready.reject(reason);
    this.#failed.resolve(reason);
    this.stop({ graceful: false }).catch((stopError: unknown) => {
      this.#logger.error({ event: 'stop_failed', error: stopError }, 'stopping after the failure failed too');
    });
  }
}
