import { ConsensusNode, type PeerEvents, type ServerId, type SnapshotReader, type Zxid } from '@zkl/consensus';
import { FileLogStore } from '@zkl/log-store';
import { ZnodeStateMachine, type Result } from '@zkl/state-machine';
import { TICK_MS } from './node-settings.js';
import { SimulatedClock } from './simulated-clock.js';
import type { SimulatedServer } from './simulated-server.js';
import { SimulatedTransport } from './simulated-transport.js';
import type { StreamEnd } from './snapshot-stream.js';
import { WatchedLogStore } from './watched-log-store.js';
import { WatchedStateMachine } from './watched-state-machine.js';

/** One run of a server's process: the production node over the production store and state machine. */
export class ServerRun implements StreamEnd {
  readonly number: number;
  readonly node: ConsensusNode<Result>;
  readonly machine: WatchedStateMachine;
  readonly store: WatchedLogStore;
  readonly #server: SimulatedServer;
  readonly #transport: SimulatedTransport;

  constructor(server: SimulatedServer, number: number) {
    this.#server = server;
    this.number = number;
    const { around } = server;
    const { settings, random, queue } = around;
    const random32 = (): number => random.below(0x1_0000_0000);
    const machine = new ZnodeStateMachine({
      hashSeed: random32(),
      snapshotSlotsPerStep: random.pick([1, 4, 1_000]),
    });
    this.machine = new WatchedStateMachine(
      machine,
      {
        onApplied: (block, results, digest) => {
          if (this.isAlive) server.onApplied(block, results, digest);
        },
        onRestored: (zxid, digest) => {
          if (this.isAlive) server.onRestored(zxid, digest);
        },
      },
      settings.plantedBugs,
    );
    this.store = this.#makeStore(random32);
    this.#transport = new SimulatedTransport({
      isRunning: () => this.isAlive,
      attach: () => around.attach(server.id),
      detach: () => around.detach(server.id),
      send: (to, message) => server.send(this, to, message),
      sendSnapshot: (to, attempt, snapshot, signal) => this.#sendSnapshot(to, attempt, snapshot, signal),
    });
    const clock = new SimulatedClock(queue, random, this, server.clockRate, () => server.turnDelayMax);
    this.node = new ConsensusNode<Result>({
      id: server.id,
      voters: around.ids,
      logStore: this.store,
      transport: this.#transport,
      stateMachine: this.machine,
      clock,
      random: random.fraction,
      timing: {
        tickMs: TICK_MS,
        heartbeatMs: settings.heartbeatMs,
        electionTimeoutMs: settings.electionTimeoutMs,
        syncTimeoutMs: settings.syncTimeoutMs,
        settleMs: settings.settleMs,
      },
      limits: {
        blockBytesMax: settings.blockBytesMax,
        snapshotEveryBytes: settings.snapshotEveryBytes,
        // Where they are frequent they take long: the more comes between their pieces.
        snapshotBytesPerSecond: settings.snapshotEveryBytes * 100,
        windowBytes: settings.windowBytes,
        inflightBytes: settings.inflightBytes,
      },
      plantedBugs: settings.plantedBugs,
      onFatal: (error) => server.onEnded(this, error),
    });
    this.node.onStatus(() => {
      if (this.isAlive) server.onStatus();
    });
  }

  get isAlive(): boolean {
    return this.#server.run === this;
  }

  get wallOffsetMs(): number {
    return this.#server.wallOffsetMs;
  }

  get peerEvents(): PeerEvents | undefined {
    return this.#transport.events;
  }

  whenAwake(callback: () => void): void {
    if (this.isAlive) this.#server.whenAwake(callback);
  }

  onSnapshot(
    from: ServerId,
    attempt: number,
    zxid: Zxid,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void> | undefined {
    return this.peerEvents?.onSnapshot(from, attempt, zxid, chunks);
  }

  /** Opens the log and begins to take part. A failure ends the run. */
  begin(): void {
    this.node.start().catch((error: unknown) => this.#server.onEnded(this, error as Error));
  }

  #makeStore(random: () => number): WatchedLogStore {
    const { settings } = this.#server.around;
    const store = new FileLogStore({
      folder: 'data',
      disk: this.#server.disk.attach(),
      random,
      segmentBytes: settings.segmentBytes,
      cacheBytes: settings.cacheBytes,
      snapshotsKept: settings.snapshotsKept,
      logRetainedBytes: settings.logRetainedBytes,
      indexEveryBytes: 1_000,
      onNotice: (notice) => {
        if (this.isAlive) this.#server.tell(`notices: ${notice}`);
      },
    });
    const whenAlive = (event: () => void): void => {
      if (this.isAlive) event();
    };
    const server = this.#server;
    const events = {
      onOpened: (recovered: Parameters<SimulatedServer['onOpened']>[0]) => whenAlive(() => server.onOpened(recovered)),
      onWrite: (write: Parameters<SimulatedServer['onWrite']>[0]) => whenAlive(() => server.onWrite(write)),
      onWritten: (write: Parameters<SimulatedServer['onWrite']>[0]) => whenAlive(() => server.onWritten(write)),
      onInstalling: (zxid: Zxid) => whenAlive(() => server.durable.installing(zxid)),
      onInstalled: (zxid: Zxid) => whenAlive(() => server.onInstalled(zxid)),
      onSnapshotSaved: (zxid: Zxid) => whenAlive(() => server.onSnapshotSaved(zxid)),
    };
    return new WatchedLogStore(store, events, settings.plantedBugs);
  }

  #sendSnapshot(to: ServerId, attempt: number, snapshot: SnapshotReader, signal: AbortSignal): Promise<void> {
    return this.#server.around.sendSnapshot(this, this.#server.id, to, attempt, snapshot, signal);
  }
}
