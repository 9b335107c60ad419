import {
  endOf,
  formatZxid,
  sameZxid,
  type Block,
  type Message,
  type PersistBatch,
  type Ready,
  type ServerId,
  type Zxid,
} from '@zkl/consensus';
import type { Checker, World } from './checker.js';
import { EventQueue, UNITS_PER_TICK } from './event-queue.js';
import { Faults } from './faults.js';
import { Ledger } from './ledger.js';
import { Random } from './random.js';
import { SnapshotTransfers } from './snapshot-transfers.js';
import { MILD_DISK, type Settings } from './swarm.js';
import { Trace } from './trace.js';
import { VirtualDisk } from './virtual-disk.js';
import { VirtualNetwork } from './virtual-network.js';
import { VirtualServer } from './virtual-server.js';
import { Violation } from './violation.js';
import { isServingLeader, Workload } from './workload.js';
import { describeMessage } from './describe-message.js';

export type CheckerFactory = (world: World) => Checker;

const HEALED_ROUNDS_MAX = 5;

/** One run: servers, network, disks and clients in virtual time, watched by checkers. */
export class Cluster implements World {
  readonly settings: Settings;
  readonly ledger = new Ledger();
  readonly servers: readonly VirtualServer[];
  readonly quorum: number;
  readonly formerDisks = new Map<ServerId, VirtualDisk[]>();
  readonly trace: Trace;
  readonly workload: Workload;
  readonly faults: Faults;
  readonly transfers: SnapshotTransfers;
  readonly queue = new EventQueue();
  readonly #network: VirtualNetwork;
  readonly #checkers: readonly Checker[];
  /** How many messages of each kind arrived: shows that a run reached what it is for. */
  readonly arrived = new Map<string, number>();

  constructor(settings: Settings, checkers: readonly CheckerFactory[], print?: (line: string) => void) {
    this.settings = settings;
    const { queue } = this;
    const random = new Random(settings.seed, 2);
    this.trace = new Trace(queue, print);
    const ids = Array.from({ length: settings.servers }, (_, index) => index + 1);
    this.quorum = Math.floor(ids.length / 2) + 1;
    this.#network = new VirtualNetwork(ids, queue, random, settings.network, {
      onMessage: (to, from, message) => this.#onMessage(to, from, message),
      onPeerUp: (at, peer) => this.#server(at).input({ kind: 'peerUp', peer }),
      onPeerLost: (at, peer) => this.#onPeerLost(at, peer),
    });
    const around = { queue, random, network: this.#network, trace: this.trace, settings };
    this.servers = ids.map((id) => {
      const server: VirtualServer = new VirtualServer(
        id,
        ids,
        this.#disk(() => server),
        { ...around, events: this.#serverEvents() },
      );
      return server;
    });
    this.#checkers = checkers.map((create) => create(this));
    this.workload = new Workload({ queue, random, settings, servers: this.servers });
    this.transfers = new SnapshotTransfers({ ...around, server: (id) => this.#server(id) });
    const { servers, quorum } = this;
    this.faults = new Faults({ ...around, servers, quorum, onWiped: (server) => this.#keepFormerDisk(server) });
  }

  /** The safety phase, the healing, and the healed phase. Throws a `Violation`, or whatever the core throws. */
  run(): void {
    for (const server of this.servers) server.start();
    this.workload.start();
    this.faults.start();
    this.#runFor(this.settings.safetyTicks * UNITS_PER_TICK);
    this.#heal();
    this.#writeWhenHealed();
    for (const checker of this.#checkers) checker.onHealed?.();
  }

  /** A connection that broke before the healing may be noticed only now, and cost another election: so more than once, but not for ever. */
  #writeWhenHealed(): void {
    for (let round = 0; round < HEALED_ROUNDS_MAX; round++) {
      this.#settle('after the faults have ended', false);
      const before = this.ledger.length;
      for (let i = 0; i < 3; i++) this.workload.proposeAt(this.#leader()!);
      this.#settle('after new writes', true);
      if (this.ledger.length >= before + 3) return;
    }
    throw new Violation('liveness', 'writes to a healed cluster were refused');
  }

  #runFor(units: number): void {
    const until = this.queue.now + units;
    while (this.queue.runNext(until));
  }

  #heal(): void {
    this.trace.line(0, 'all faults end');
    this.workload.stop();
    for (const server of this.servers) {
      server.diskSettings = MILD_DISK;
      server.turnDelayMax = Math.min(server.turnDelayMax, 5);
    }
    this.faults.healAll();
  }

  /** All agree, and nothing is under way, within a bound; and, `withAll`, all count. */
  #settle(when: string, withAll: boolean): void {
    const { ticks, network, snapshotSlowness } = this.settings;
    // Of a slow transfer a step takes three ticks at most; and the first may be cut short by an election.
    const transfers = 2 * 3 * snapshotSlowness * ticks.sync;
    const bound = 30 * ticks.election + 4 * ticks.sync + transfers + (network.noticeMax * 2) / UNITS_PER_TICK;
    for (let waited = 0; waited < bound; waited += 2) {
      this.#runFor(2 * UNITS_PER_TICK);
      if (this.#isSettled(withAll)) return;
    }
    throw new Violation('liveness', `no agreement ${when}, within ${bound} ticks: ${this.#describe()}`);
  }

  #leader(): VirtualServer | undefined {
    return this.servers.find((server) => server.core !== undefined && isServingLeader(server.core.status));
  }

  #isSettled(withAll: boolean): boolean {
    const leader = this.#leader();
    if (leader === undefined) return false;
    const { last, status } = leader.core!;
    return this.servers.every(({ core, disk, machine }) => {
      if (core === undefined || !core.status.serving || core.status.leader !== leader.id) return false;
      if (core.status.epoch !== status.epoch || (withAll && core.standing !== 'voter')) return false;
      return sameZxid(core.last, last) && sameZxid(disk.last, last) && sameZxid(machine.zxid, last) && !disk.busy;
    });
  }

  #describe(): string {
    const each = this.servers.map(({ id, core, disk, machine }) => {
      if (core === undefined) return `${id} is down`;
      const { role, serving, epoch } = core.status;
      const at = `${formatZxid(core.last)}/${formatZxid(disk.last)}/${formatZxid(machine.zxid)}`;
      return `${id} ${role}${serving ? ' serving' : ''} ${core.standing} epoch ${epoch} (${core.acceptedEpoch}) at ${at}: ${core.lookingBecause}`;
    });
    return each.join('; ');
  }

  #server(id: ServerId): VirtualServer {
    return this.servers[id - 1]!;
  }

  #disk(server: () => VirtualServer): VirtualDisk {
    const events = {
      onTruncated: (removed: Block) => {
        for (const checker of this.#checkers) checker.onTruncated?.(server(), removed);
      },
      onHardState: (accepted: number, current: number) => {
        for (const checker of this.#checkers) checker.onHardState?.(server(), accepted, current);
      },
    };
    return new VirtualDisk(events, this.settings.plantedBugs);
  }

  #keepFormerDisk(server: VirtualServer): void {
    const former = this.formerDisks.get(server.id) ?? [];
    former.push(server.disk.copy());
    this.formerDisks.set(server.id, former);
    for (const checker of this.#checkers) checker.onWiped?.(server);
  }

  #onMessage(to: ServerId, from: ServerId, message: Message): void {
    this.arrived.set(message.kind, (this.arrived.get(message.kind) ?? 0) + 1);
    this.trace.add(6, to, from);
    if (this.trace.isPrinted) this.trace.line(to, `<- ${from} ${describeMessage(message)}`);
    this.#server(to).input({ kind: 'message', from, message });
  }

  #onPeerLost(at: ServerId, peer: ServerId): void {
    this.trace.line(at, `its connection with ${peer} ended`);
    this.#server(at).input({ kind: 'peerLost', peer });
  }

  #serverEvents(): ConstructorParameters<typeof VirtualServer>[3]['events'] {
    return {
      onStart: (server) => {
        for (const checker of this.#checkers) checker.onStart?.(server);
      },
      onProposed: (server, ready) => {
        // Also the empty ones, for which nobody asked.
        for (const block of ready.persist?.blocks ?? []) {
          if (block.leader !== server.id) continue;
          for (const checker of this.#checkers) checker.onProposed?.(server, block);
        }
      },
      onReady: (server, ready) => this.#onReady(server, ready),
      onTurn: (server) => {
        for (const checker of this.#checkers) checker.onTurn?.(server);
      },
      onApply: (server, block, position) => this.#onApply(server, block, position),
      onRestored: (server) => {
        const { zxid, position } = server.machine;
        for (const checker of this.#checkers) checker.onRestored?.(server, zxid, position);
      },
      onDurable: (server, batches) => this.#onDurable(server, batches),
      onRead: (server, ticket, zxid) => this.#onRead(server, ticket, zxid),
      onSendSnapshot: (server, to, attempt) => this.transfers.begin(server, to, attempt),
      onRetired: (server) => {
        this.trace.line(server.id, 'has stopped in good order');
        server.crash();
        this.faults.onRetired(server);
      },
    };
  }

  #onReady(server: VirtualServer, ready: Ready): void {
    this.workload.onReady(ready);
    const { status, committed } = ready;
    if (status !== undefined) {
      if (this.trace.isPrinted) this.#lineStatus(server, ready);
      for (const checker of this.#checkers) checker.onStatus?.(server, status);
    }
    if (committed === undefined) return;
    if (this.trace.isPrinted) this.trace.line(server.id, `committed up to ${formatZxid(committed)}`);
    for (const checker of this.#checkers) checker.onCommitted?.(server, committed);
    this.workload.raiseFloor(committed);
  }

  #lineStatus(server: VirtualServer, { status }: Ready): void {
    const { role, serving, epoch } = status!;
    const why = role === 'looking' ? ` (${server.core!.lookingBecause})` : '';
    const at = `epoch ${epoch}, log ${formatZxid(server.core!.last)}`;
    this.trace.line(server.id, `is ${role}${serving ? ', serving' : ''}${why}: ${at}`);
  }

  #onApply(server: VirtualServer, block: Block, position: number): void {
    for (const checker of this.#checkers) checker.onApply?.(server, block, position);
    if (position === this.ledger.length + 1) this.ledger.append(block);
  }

  #onDurable(server: VirtualServer, batches: readonly PersistBatch[]): void {
    if (this.trace.isPrinted) {
      for (const batch of batches) this.trace.line(server.id, describeBatch(batch));
    }
    for (const checker of this.#checkers) checker.onDurable?.(server, batches);
  }

  #onRead(server: VirtualServer, ticket: number, zxid: Zxid): void {
    const read = this.workload.takeRead(ticket);
    if (read === undefined || read.server !== server.id)
      throw new Violation('reads', `ticket ${ticket} was answered twice`);
    this.trace.add(7, server.id, ticket);
    for (const checker of this.#checkers) checker.onReadServed?.(read, zxid);
    this.workload.raiseFloor(zxid);
  }
}

function describeBatch({ truncateTo, blocks, hardState, repaired }: PersistBatch): string {
  const parts: string[] = [];
  if (truncateTo !== undefined) parts.push(`cut at ${formatZxid(truncateTo)}`);
  if (blocks.length > 0) parts.push(`blocks up to ${formatZxid(endOf(blocks[blocks.length - 1]!))}`);
  if (hardState !== undefined) parts.push(`accepted ${hardState.acceptedEpoch}, current ${hardState.currentEpoch}`);
  if (repaired) parts.push('repaired');
  return `durable: ${parts.join(', ') || 'nothing new'}`;
}
