import {
  ConsensusFault,
  endOf,
  formatZxid,
  type Block,
  type LogWrite,
  type Message,
  type RecoveredLog,
  type ServerId,
  type SnapshotReader,
  type Zxid,
} from '@zkl/consensus';
import type { DiskOperation } from '@zkl/log-store';
import type { Result } from '@zkl/state-machine';
import type { EventQueue } from '../event-queue.js';
import type { Random } from '../random.js';
import type { Trace } from '../trace.js';
import { Violation } from '../violation.js';
import { DurableLog } from './durable-log.js';
import type { NodeSettings } from './node-settings.js';
import { ServerRun } from './server-run.js';
import { SimulatedDisk } from './simulated-disk.js';

/** What a server needs of the world, and tells it. */
export interface ServerSurroundings {
  readonly settings: NodeSettings;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly trace: Trace;
  readonly ids: readonly ServerId[];
  attach(id: ServerId): void;
  detach(id: ServerId): void;
  send(from: ServerId, to: ServerId, message: Message): void;
  sendSnapshot(
    run: ServerRun,
    from: ServerId,
    to: ServerId,
    attempt: number,
    snapshot: SnapshotReader,
    signal: AbortSignal,
  ): Promise<void>;
  onOpened(server: SimulatedServer, recovered: RecoveredLog): void;
  onApplied(server: SimulatedServer, block: Block, results: readonly Result[], digest: string): void;
  onRestored(server: SimulatedServer, zxid: Zxid, digest: string): void;
  onStatus(server: SimulatedServer): void;
  /** The run ended by itself: the process exits, and is started again. */
  onExit(server: SimulatedServer): void;
  count(what: string): void;
  fail(error: Error): void;
}

const EXPECTED_OF_A_BAD_DISK = new Set(['DISK_FAILED', 'DISK_FULL', 'LOG_DAMAGED', 'SNAPSHOT_DAMAGED']);

/** One server: a disk that stays, and a run of the process that comes and goes. */
export class SimulatedServer {
  readonly id: ServerId;
  readonly around: ServerSurroundings;
  readonly disk: SimulatedDisk;
  readonly clockRate: number;
  durable = new DurableLog();
  run: ServerRun | undefined;
  wallOffsetMs = 0;
  turnDelayMax: number;
  /** Something of its disk was destroyed: it counts as lost until it has been started after that, and serves as a voter. Holds the number of the last run that it may have fooled. */
  harmedInRun: number | undefined;
  /** The process dies, with all power, at so many operations from now. */
  #powerLossIn = 0;
  #isPaused = false;
  #held: (() => void)[] = [];
  #runs = 0;

  constructor(id: ServerId, around: ServerSurroundings) {
    this.id = id;
    this.around = around;
    const { settings, random, queue } = around;
    this.turnDelayMax = settings.turnDelayMax;
    this.clockRate = 1 + settings.skew * (2 * random.fraction() - 1);
    this.disk = new SimulatedDisk(
      {
        queue,
        random,
        plantedBugs: settings.plantedBugs,
        onOperation: (operation) => this.#onOperation(operation),
        whenAwake: (callback) => this.whenAwake(callback),
        onMisdirected: (path) => this.#onMisdirected(path),
      },
      settings.disk,
    );
  }

  get isRunning(): boolean {
    return this.run !== undefined;
  }

  get runNumber(): number {
    return this.#runs;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Its disk holds, durably and whole, a history and its promises: it counts for a quorum, now or after its next start. */
  get counts(): boolean {
    return this.harmedInRun === undefined && this.durable.hardState.currentEpoch > 0;
  }

  start(): void {
    if (this.run !== undefined) return;
    this.tell('starts');
    this.#isPaused = false;
    this.#held = [];
    this.#powerLossIn = 0;
    this.disk.errorsGiven = this.disk.isFull ? 1 : 0;
    this.run = new ServerRun(this, ++this.#runs);
    this.run.begin();
  }

  /** The process dies; what it wrote is kept, though not synced. */
  kill(): void {
    if (this.run === undefined) return;
    this.tell('is killed');
    this.#endRun();
    this.disk.device.kill(this.around.random.fraction);
  }

  /** The machine loses power: what was not synced may be lost, whole or in part. */
  losePower(): void {
    if (this.run === undefined) return;
    this.tell('loses power');
    this.#endRun();
    this.disk.device.crash(this.around.random.fraction);
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
    if (run === undefined) return;
    this.tell('is told to stop');
    run.node.stop().then(
      () => this.onEnded(run, undefined),
      (error: unknown) => this.onEnded(run, error as Error),
    );
  }

  pause(): void {
    if (this.run === undefined) return;
    this.tell('pauses');
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.tell('goes on');
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    // Each in an event of its own, in order, as it would have come.
    for (const callback of held) this.around.queue.after(0, () => this.whenAwake(callback));
  }

  /** Calls back while the process runs; what comes while it is paused, after that; what its next run would get is dropped. */
  whenAwake(callback: () => void): void {
    if (this.run === undefined) return;
    if (this.#isPaused) this.#held.push(callback);
    else callback();
  }

  /** The process ended by itself: stopped, or failed. */
  onEnded(run: ServerRun, error: Error | undefined): void {
    if (this.run !== run) return;
    this.tell(error === undefined ? 'has stopped' : `ends: ${error.message}`);
    if (error !== undefined) this.#judge(error);
    this.#endRun();
    this.disk.device.kill(this.around.random.fraction);
    this.around.onExit(this);
  }

  onOpened(recovered: RecoveredLog): void {
    const { lastZxid, hardState, damage } = recovered;
    this.tell(
      `finds its log up to ${formatZxid(lastZxid)}, accepted ${hardState.acceptedEpoch}, current ${hardState.currentEpoch}` +
        (damage === undefined ? '' : `; damaged: ${damage}`),
    );
    if (damage !== undefined) this.around.count('damage found');
    if (damage !== undefined && this.harmedInRun === undefined) this.around.count('damage found where none was done');
    this.around.onOpened(this, recovered);
    this.durable.found(lastZxid, hardState);
  }

  onWrite(write: LogWrite): void {
    this.durable.begin(write);
  }

  onWritten(write: LogWrite): void {
    this.durable.end(write);
    this.around.trace.add(2, this.id, write.blocks.length);
    if (this.around.trace.isPrinted) this.tell(describeWrite(write));
  }

  onInstalled(zxid: Zxid): void {
    this.tell(`has installed a snapshot at ${formatZxid(zxid)}`);
    this.durable.installed(zxid);
    this.around.count('snapshot installed');
  }

  onSnapshotSaved(zxid: Zxid): void {
    this.tell(`has saved a snapshot at ${formatZxid(zxid)}`);
    this.around.count('snapshot saved');
  }

  onApplied(block: Block, results: readonly Result[], digest: string): void {
    this.around.trace.add(3, this.id, endOf(block).counter);
    this.around.onApplied(this, block, results, digest);
  }

  onRestored(zxid: Zxid, digest: string): void {
    this.tell(`restores its state at ${formatZxid(zxid)}`);
    this.around.onRestored(this, zxid, digest);
  }

  onStatus(): void {
    const status = this.run?.node.status;
    if (status === undefined) return;
    const { role, serving, epoch, standing, leader, lookingBecause } = status;
    const why = role === 'looking' ? ` (${lookingBecause})` : '';
    this.around.trace.add(4, this.id, epoch * 8 + (serving ? 4 : 0) + role.length);
    if (this.around.trace.isPrinted)
      this.tell(
        `is ${role}${serving ? `, serving under ${leader ?? 0}` : ''}${why}: ${standing}, epoch ${epoch}, log ${formatZxid(status.lastLogged)}`,
      );
    if (this.harmedInRun !== undefined && this.runNumber > this.harmedInRun && serving && standing === 'voter')
      this.#isWellAgain();
    this.around.onStatus(this);
  }

  /** Called when it may have changed without a change of status. */
  checkHealth(): void {
    const status = this.run?.node.status;
    if (status?.serving === true && status.standing === 'voter' && this.harmedInRun !== undefined) {
      if (this.runNumber > this.harmedInRun) this.#isWellAgain();
    }
  }

  send(run: ServerRun, to: ServerId, message: Message): void {
    this.#countDown();
    if (this.run === run) this.around.send(this.id, to, message);
  }

  tell(text: string): void {
    this.around.trace.line(this.id, text);
  }

  /** Only once what it has is durable: the promise that makes it a voter may still be on its way to the disk. */
  #isWellAgain(): void {
    if (this.durable.hardState.currentEpoch === 0) return;
    if (this.durable.hardState.currentEpoch !== this.run?.node.status.epoch) return;
    this.harmedInRun = undefined;
    // What was to strike it and has not, would strike one that counts: perhaps while another does not.
    this.disk.misreads = this.disk.misdirects = 0;
    this.tell('counts again');
  }

  #endRun(): void {
    this.run = undefined;
    this.#isPaused = false;
    this.#held = [];
    this.#powerLossIn = 0;
    this.around.detach(this.id);
  }

  #onOperation(operation: DiskOperation): void {
    this.around.trace.add(1, this.id, operation.kind.length * 1_000 + (operation.bytes ?? 0));
    this.#countDown();
  }

  #countDown(): void {
    if (this.#powerLossIn > 0 && --this.#powerLossIn === 0) {
      this.around.count('power lost in the middle');
      this.losePower();
    }
  }

  #onMisdirected(path: string): void {
    this.harmedInRun = this.runNumber;
    this.tell(`a write to ${path} goes elsewhere, or a read comes from there`);
  }

  /** A process may end by itself only for a reason: a disk that failed or was tampered with. Anything else is a bug. */
  #judge(error: Error): void {
    const code = 'code' in error ? String(error.code) : '';
    const isDiskBad = this.disk.errorsGiven > 0 || this.harmedInRun !== undefined || this.disk.isFull;
    if (error instanceof Violation) this.around.fail(error);
    else if (error instanceof ConsensusFault || !EXPECTED_OF_A_BAD_DISK.has(code) || !isDiskBad) {
      this.around.fail(new Violation('no-unexplained-end', `server ${this.id} ended: ${error.stack ?? error.message}`));
    } else this.around.count(`ended: ${code}`);
  }
}

function describeWrite({ truncateTo, blocks, hardState, repaired }: LogWrite): string {
  const parts: string[] = [];
  if (truncateTo !== undefined) parts.push(`cut at ${formatZxid(truncateTo)}`);
  if (blocks.length > 0) parts.push(`blocks up to ${formatZxid(endOf(blocks[blocks.length - 1]!))}`);
  if (hardState !== undefined) parts.push(`accepted ${hardState.acceptedEpoch}, current ${hardState.currentEpoch}`);
  if (repaired === true) parts.push('repaired');
  return `durable: ${parts.join(', ') || 'nothing new'}`;
}
