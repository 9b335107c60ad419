import { MemoryDisk, type Disk, type DiskFile, type DiskOperation } from '@zkl/log-store';
import type { EventQueue } from '../event-queue.js';
import type { Random } from '../random.js';
import type { DiskTimes } from './node-settings.js';

export interface DiskHost {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly plantedBugs: ReadonlySet<string>;
  /** Before each operation: the run may end here. */
  onOperation(operation: DiskOperation): void;
  /** Calls back unless the process has ended; later, if it is paused. */
  whenAwake(callback: () => void): void;
  /** A write went to another place than it was meant for, or a read came from one. */
  onMisdirected(path: string): void;
}

const LOG_NAME = /\/log-[0-9a-f]+\.zkl$/;
const SECTOR = 512;

/** The disk of one server: a MemoryDisk with latency and faults, the same across the runs of the server's process. */
export class SimulatedDisk {
  readonly #host: DiskHost;
  device: MemoryDisk;
  times: DiskTimes;
  /** Each of so many operations fails, one after the other. */
  writeErrors = 0;
  readErrors = 0;
  /** The next write to the log goes to another place in its file. */
  misdirects = 0;
  /** So many reads of what the store keeps come from another place in the file. */
  misreads = 0;
  isFull = false;
  /** How many errors of each kind were given out in the present run, and with which capacity. */
  errorsGiven = 0;

  constructor(host: DiskHost, times: DiskTimes) {
    this.#host = host;
    this.times = times;
    this.device = this.#make();
  }

  /** A new, empty disk. */
  wipe(): void {
    this.device.kill();
    this.device = this.#make();
  }

  set full(isFull: boolean) {
    this.isFull = isFull;
    if (isFull) this.errorsGiven++;
    this.device.capacityBytes = isFull ? this.device.usedBytes : Number.POSITIVE_INFINITY;
  }

  attach(): Disk {
    const disk = this.device.attach();
    const { plantedBugs } = this.#host;
    return {
      ...disk,
      open: async (path, mode) => this.#wrap(path, await disk.open(path, mode)),
      syncFolder: async (folder) => {
        if (!plantedBugs.has('disk-folder-never-synced')) await disk.syncFolder(folder);
      },
    };
  }

  /** The file of a kind, for faults: the `pick` decides which. */
  files(kind: 'log' | 'snapshot' | 'hard-state'): string[] {
    return this.device.files.filter((path) => path.startsWith(`data/${kind}`) && !path.endsWith('.tmp'));
  }

  #make(): MemoryDisk {
    return new MemoryDisk({
      schedule: (operation, run) => this.#schedule(operation, run),
      fault: (operation) => this.#fault(operation),
    });
  }

  #wrap(path: string, file: DiskFile): DiskFile {
    const { plantedBugs } = this.#host;
    const trustsCache = plantedBugs.has('store-trusts-the-cache');
    const write = (source: Uint8Array, position: number): Promise<void> => {
      if (trustsCache && LOG_NAME.test(path) && this.#isThere(path, source, position)) return Promise.resolve();
      return file.write(source, this.#positionOf(path, source, position));
    };
    const tolerant = (work: Promise<void>): Promise<void> => work.catch(() => undefined);
    const isTolerant = plantedBugs.has('disk-errors-ignored');
    return {
      size: () => file.size(),
      read: (target, position) => file.read(target, this.#readFrom(path, position)),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
      write: (source, position) => (isTolerant ? tolerant(write(source, position)) : write(source, position)),
      sync: () => (isTolerant ? tolerant(file.sync()) : file.sync()),
    };
  }

  /** Whether a reader finds just these bytes there already: then only what is durable would change. */
  #isThere(path: string, source: Uint8Array, position: number): boolean {
    const there = this.device.contents(path).subarray(position, position + source.byteLength);
    return Buffer.compare(there, source) === 0;
  }

  /**
   * From a place where something was written: that zeros behind the last mark are not a torn write cannot be told, by anybody (docs/data-format.md, "Marks").
   */
  #readFrom(path: string, position: number): number {
    const { random } = this.#host;
    if (this.misreads === 0 || !random.chance(0.2)) return position;
    const offset = SECTOR * random.between(1, 3);
    const elsewhere = position >= offset && random.chance(0.5) ? position - offset : position + offset;
    const found = this.device.contents(path).subarray(elsewhere, elsewhere + SECTOR);
    if (found.every((byte) => byte === 0)) return position;
    this.misreads--;
    this.#host.onMisdirected(path);
    return elsewhere;
  }

  /** Somewhere after or before, as a frame may stand there. */
  #positionOf(path: string, source: Uint8Array, position: number): number {
    const { random } = this.#host;
    if (this.misdirects === 0 || position === 0 || source.byteLength > 2 * SECTOR || !LOG_NAME.test(path))
      return position;
    this.misdirects--;
    const offset = SECTOR * random.between(1, 3);
    const elsewhere = position - offset >= 2 * SECTOR && random.chance(0.5) ? position - offset : position + offset;
    this.#host.onMisdirected(path);
    return elsewhere;
  }

  #schedule(operation: DiskOperation, run: () => void): void {
    const { queue, random } = this.#host;
    this.#host.onOperation(operation);
    const isQuick = operation.kind === 'open' || operation.kind === 'close' || operation.kind === 'size';
    if (isQuick || operation.kind === 'list') return queueMicrotask(run);
    const { readUnits, writeUnits, spreadUnits, stallRate } = this.times;
    const isRead = operation.kind === 'read';
    let time = isRead ? readUnits : writeUnits + random.below(spreadUnits);
    if (!isRead && random.chance(stallRate)) time *= 20;
    queue.after(time, () => this.#host.whenAwake(run));
  }

  #fault(operation: DiskOperation): string | undefined {
    const isWrite = ['write', 'sync', 'syncFolder', 'rename', 'truncate'].includes(operation.kind);
    if (isWrite && this.writeErrors > 0) {
      this.writeErrors--;
      this.errorsGiven++;
      return 'EIO';
    }
    if (operation.kind === 'read' && this.readErrors > 0) {
      this.readErrors--;
      this.errorsGiven++;
      return 'EIO';
    }
    return undefined;
  }
}
