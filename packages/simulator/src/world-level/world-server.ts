import type { Socket } from 'node:net';
import {
  endOf,
  formatZxid,
  type Block,
  type RecoveredLog,
  type ServerId,
  type StateMachine,
  type Zxid,
} from '@zkl/consensus';
import { FileLogStore, type DiskOperation } from '@zkl/log-store';
import { createServerIn, type Surroundings, type ZklServer } from '@zkl/server/testing';
import type { Result, ZnodeStateMachine } from '@zkl/state-machine';
import { DurableLog } from '../node-level/durable-log.js';
import { SimulatedDisk } from '../node-level/simulated-disk.js';
import { WatchedLogStore } from '../node-level/watched-log-store.js';
import type { Trace } from '../trace.js';
import { Violation } from '../violation.js';
import { ObservedState } from './observed-state.js';
import { beyondBounds, ServerProcess } from './server-process.js';
import { SimulatedSocket } from './simulated-socket.js';
import { VirtualProcess, type Machine } from './virtual-process.js';
import type { WorldNetwork } from './world-network.js';
import type { WorldSettings } from './world-settings.js';

/** What a server needs of the world, and tells it. */
export interface WorldServerSurroundings {
  readonly settings: WorldSettings;
  readonly machine: Machine;
  readonly trace: Trace;
  readonly network: WorldNetwork;
  readonly ids: readonly ServerId[];
  onApplied(server: WorldServer, block: Block, state: ZnodeStateMachine): void;
  onRestored(server: WorldServer, state: ZnodeStateMachine): void;
  /** The run ended by itself: the process exits, and is started again. */
  onExit(server: WorldServer): void;
  /** Whether the next release may be started here while the others are what they are. */
  mayUpgrade(server: WorldServer): boolean;
  count(what: string): void;
  fail(error: Error): void;
}

const EXPECTED_OF_A_BAD_DISK = new Set(['DISK', 'DISK_FULL', 'DAMAGE']);
const PORT = 7_001;

/** The versions of the peer protocol that each release speaks: the last one does not know the first one's any more. What is laid out is the same in both. */
const RELEASES = [
  { min: 1, max: 1 },
  { min: 1, max: 2 },
  { min: 2, max: 2 },
] as const;
export const LAST_RELEASE = RELEASES.length - 1;

/** Where a server is found. */
export function hostOf(id: ServerId): string {
  return `10.0.0.${id}`;
}

/** One server: a disk that stays, and a process that comes and goes. */
export class WorldServer {
  readonly id: ServerId;
  readonly around: WorldServerSurroundings;
  readonly disk: SimulatedDisk;
  readonly clockRate: number;
  durable = new DurableLog();
  run: ServerProcess | undefined;
  wallOffsetMs = 0;
  release = 0;
  /** Its disk was lost: it counts again once it serves as a voter after that. Holds the number of the last run before. */
  harmedInRun: number | undefined;
  #powerLossIn = 0;
  #runs = 0;

  constructor(id: ServerId, around: WorldServerSurroundings) {
    this.id = id;
    this.around = around;
    const { settings, machine } = around;
    this.clockRate = 1 + settings.skew * (2 * machine.random.fraction() - 1);
    this.disk = new SimulatedDisk(
      {
        queue: machine.queue,
        random: machine.random,
        plantedBugs: settings.plantedBugs,
        onOperation: (operation) => this.#onOperation(operation),
        whenAwake: (callback) => this.run?.process.deliver('input', callback),
        onMisdirected: () => undefined,
      },
      settings.disk,
    );
  }

  get isRunning(): boolean {
    return this.run !== undefined;
  }

  /** What it says of itself; undefined while it is down or starts. */
  get status(): ReturnType<ZklServer['status']> | undefined {
    const { run } = this;
    if (run?.server === undefined) return undefined;
    return this.#within(run, () => run.server!.status());
  }

  get isLeading(): boolean {
    const { status } = this;
    return status?.role === 'leading' && status.serving;
  }

  get counts(): boolean {
    return this.harmedInRun === undefined && this.durable.hardState.currentEpoch > 0;
  }

  start(): void {
    if (this.run !== undefined) return;
    this.tell('starts');
    this.#powerLossIn = 0;
    this.disk.errorsGiven = this.disk.isFull ? 1 : 0;
    const { machine, settings } = this.around;
    if (settings.upgrades && this.#runs > 0 && machine.random.chance(0.5)) this.#upgrade();
    const process = new VirtualProcess(`server ${this.id}`, machine, this.clockRate, settings.lateMax);
    process.wallOffsetMs = this.wallOffsetMs;
    const run = new ServerProcess(process, ++this.#runs, settings.streamBytesMax);
    this.run = run;
    process.soon(() => void this.#begin(run));
  }

  #upgrade(): void {
    if (!this.around.mayUpgrade(this)) return;
    this.release += 1;
    this.tell(`is release ${this.release} now`);
    this.around.count('upgrade');
  }

  /** The process dies; what it wrote is kept, though not synced. */
  kill(): void {
    if (this.run === undefined) return;
    this.tell('is killed');
    this.#endRun();
    this.disk.device.kill(this.around.machine.random.fraction);
  }

  /** The machine loses power: what was not synced may be lost, whole or in part. */
  losePower(): void {
    if (this.run === undefined) return;
    this.tell('loses power');
    this.#endRun();
    this.disk.device.crash(this.around.machine.random.fraction);
  }

  losePowerSoon(operations: number): void {
    if (this.run !== undefined) this.#powerLossIn = operations;
  }

  cancelPowerLoss(): void {
    this.#powerLossIn = 0;
  }

  /** Stops in good order. */
  stop(): void {
    const { run } = this;
    if (run?.server === undefined) return;
    this.tell('is told to stop');
    const { server } = run;
    run.process.soon(() => {
      server.stop().then(
        () => this.#onEnded(run, undefined),
        (error: unknown) => this.#onEnded(run, error as Error),
      );
    });
  }

  pause(): void {
    this.tell('pauses');
    this.run?.process.pause();
  }

  resume(): void {
    if (this.run?.process.isPaused !== true) return;
    this.tell('goes on');
    this.run.process.resume();
  }

  /** An operator ends a session, if this server leads. */
  expireSession(id: bigint): void {
    const server = this.run?.server;
    if (server !== undefined) this.run!.process.soon(() => void server.expireSession(id));
  }

  /** Whether it serves again as a voter, after its disk was lost. */
  checkHealth(): void {
    const { status, run } = this;
    if (this.harmedInRun === undefined || run === undefined || run.number <= this.harmedInRun) return;
    if (status?.serving !== true || status.standing !== 'voter') return;
    if (this.durable.hardState.currentEpoch === 0 || this.durable.hardState.currentEpoch !== status.epoch) return;
    this.harmedInRun = undefined;
    this.tell('counts again');
  }

  get runNumber(): number {
    return this.#runs;
  }

  tell(text: string): void {
    this.around.trace.line(this.id, text);
  }

  async #begin(run: ServerProcess): Promise<void> {
    try {
      const server = await createServerIn(this.#surroundings(run), {
        serverId: this.id,
        members: Object.fromEntries(this.around.ids.map((id) => [id, `${hostOf(id)}:${PORT}`])),
        peerSecret: 'the secret of a simulated cluster',
        metrics: false,
        reflection: false,
        logger: false,
        timing: {
          tickMs: 25,
          heartbeatMs: this.around.settings.heartbeatMs,
          electionTimeoutMs: this.around.settings.electionTimeoutMs,
          minSessionTimeoutMs: 100,
        },
      });
      if (this.run !== run) return;
      run.server = server;
      void server.failed.then((error) => this.#onEnded(run, error));
    } catch (error) {
      this.#onEnded(run, error as Error);
    }
  }

  #surroundings(run: ServerProcess): Surroundings {
    const { network, settings } = this.around;
    return {
      openStore: async () => this.#makeStore(run),
      settle: (options) => beyondBounds(options, settings),
      peerVersions: RELEASES[this.release],
      onOpen: (door) => {
        run.door = door;
      },
      aroundState: (machine, state) => this.#observe(run, machine, state),
      listen: async (onConnection) => {
        network.listen(this.id, {
          process: run.process,
          onPeer: (wire) => {
            const place = {
              localAddress: hostOf(this.id),
              localPort: PORT,
              remoteAddress: hostOf(wire.from),
              remotePort: 40_000,
            };
            const socket = new SimulatedSocket(run.process, this.id, wire, network, place, false);
            const there = wire.opener as SimulatedSocket;
            socket.join(there);
            wire.send(this.id, () => there.join(socket));
            onConnection(socket as unknown as Socket);
          },
        });
        return { address: { host: hostOf(this.id), port: PORT }, close: () => this.#stopListening(run) };
      },
      connect: ({ host }) => {
        const to = Number(host.slice(host.lastIndexOf('.') + 1));
        const wire = network.open(this.id, to);
        const place = { localAddress: hostOf(this.id), localPort: 40_000, remoteAddress: host, remotePort: PORT };
        const socket = new SimulatedSocket(run.process, this.id, wire, network, place, true);
        wire.opener = socket;
        wire.dial(
          (listener) => listener.onPeer(wire),
          () => socket.fail('ECONNREFUSED'),
        );
        return socket as unknown as Socket;
      },
    };
  }

  #stopListening(run: ServerProcess): void {
    if (this.run === run) this.around.network.listen(this.id, undefined);
  }

  #observe(run: ServerProcess, machine: StateMachine<Result>, state: ZnodeStateMachine): StateMachine<Result> {
    return new ObservedState(
      machine,
      {
        onApplied: (block) => {
          if (this.run !== run) return;
          this.around.trace.add(3, this.id, endOf(block).counter);
          this.around.onApplied(this, block, state);
        },
        onRestored: () => {
          if (this.run !== run) return;
          this.tell(`restores its state at ${formatZxid(state.appliedZxid)}`);
          this.around.count('state restored');
          this.around.onRestored(this, state);
        },
      },
      this.around.settings.plantedBugs,
    );
  }

  #makeStore(run: ServerProcess): WatchedLogStore {
    const { settings, machine } = this.around;
    const store = new FileLogStore({
      folder: 'data',
      disk: this.disk.attach(),
      random: () => machine.random.below(0x1_0000_0000),
      segmentBytes: settings.segmentBytes,
      cacheBytes: settings.cacheBytes,
      logRetainedBytes: settings.logRetainedBytes,
      indexEveryBytes: 1_000,
    });
    const whenAlive = (event: () => void): void => {
      if (this.run === run) event();
    };
    return new WatchedLogStore(
      store,
      {
        onOpened: (recovered) => whenAlive(() => this.#onOpened(recovered)),
        onWrite: (write) => whenAlive(() => this.durable.begin(write)),
        onWritten: (write) =>
          whenAlive(() => {
            this.durable.end(write);
            this.around.trace.add(2, this.id, write.blocks.length);
          }),
        onInstalling: (zxid: Zxid) => whenAlive(() => this.durable.installing(zxid)),
        onInstalled: (zxid: Zxid) =>
          whenAlive(() => {
            this.durable.installed(zxid);
            this.around.count('snapshot installed');
          }),
        onSnapshotSaved: () => whenAlive(() => this.around.count('snapshot saved')),
      },
      settings.plantedBugs,
    );
  }

  #onOpened({ lastZxid, hardState }: RecoveredLog): void {
    this.tell(`finds its log up to ${formatZxid(lastZxid)}`);
    this.durable.found(lastZxid, hardState);
  }

  /** The process ended by itself: stopped, or failed. */
  #onEnded(run: ServerProcess, error: Error | undefined): void {
    if (this.run !== run) return;
    this.tell(error === undefined ? 'has stopped' : `ends: ${error.message}`);
    if (error !== undefined) this.#judge(error);
    this.#endRun();
    this.disk.device.kill(this.around.machine.random.fraction);
    this.around.onExit(this);
  }

  #endRun(): void {
    const { run } = this;
    this.run = undefined;
    run?.process.kill();
    this.#powerLossIn = 0;
    this.around.network.listen(this.id, undefined);
    this.around.network.abandonAll(this.id);
  }

  #onOperation(operation: DiskOperation): void {
    this.around.trace.add(1, this.id, operation.kind.length * 1_000 + (operation.bytes ?? 0));
    if (this.#powerLossIn > 0 && --this.#powerLossIn === 0) {
      this.around.count('power lost in the middle');
      this.losePower();
    }
  }

  /** A process may end by itself only for a reason: a disk that failed. Anything else is a bug. */
  #judge(error: Error): void {
    const code = 'code' in error ? String(error.code) : '';
    const isDiskBad = this.disk.errorsGiven > 0 || this.disk.isFull;
    if (error instanceof Violation) this.around.fail(error);
    else if (!EXPECTED_OF_A_BAD_DISK.has(code) || !isDiskBad) {
      const { cause } = error;
      const why = cause instanceof Error ? ` because of ${cause.stack ?? cause.message}` : '';
      this.around.fail(
        new Violation('no-unexplained-end', `server ${this.id} ended: ${error.stack ?? error.message}${why}`),
      );
    } else this.around.count(`ended: ${code}`);
  }

  /** The world looks into the process: its clocks are asked for. */
  #within<T>(run: ServerProcess, look: () => T): T {
    const { machine } = this.around;
    const before = machine.running;
    machine.running = run.process;
    try {
      return look();
    } finally {
      machine.running = before;
    }
  }
}
