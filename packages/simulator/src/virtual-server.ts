import { compareZxid, ConsensusCore, endOf, endsAfter, formatZxid, minZxid } from '@zkl/consensus';
import type { Block, Envelope, Input, PersistBatch, Ready, ServerId, Zxid } from '@zkl/consensus';
import { UNITS_PER_TICK } from './event-queue.js';
import type { Random } from './random.js';
import type { ServerSurroundings } from './server-surroundings.js';
import type { DiskSettings } from './swarm.js';
import { EMPTY_STATE, type MachineState, type VirtualDisk } from './virtual-disk.js';
import { Violation } from './violation.js';

const READ_BLOCKS = 4;

/**
 * One server: the core, and around it, in virtual time, what the driver does (packages/consensus/src/node): gather inputs, one turn, `step` each,
 * one `takeReady`, then send, persist, apply. A run can end at any point of it.
 */
export class VirtualServer {
  readonly id: ServerId;
  readonly disk: VirtualDisk;
  diskSettings: DiskSettings;
  machine: MachineState = EMPTY_STATE;
  core: ConsensusCore | undefined;
  /** Counts the runs: what was asked for in one is not heard in another. */
  run = 0;
  paused = false;
  /** The run ends in its next turn that has something to send or to persist, in the middle of it. */
  crashInTurn = false;
  turnDelayMax: number;
  readonly #around: ServerSurroundings;
  readonly #voters: readonly ServerId[];
  readonly #tickUnits: number;
  #inbox: Input[] = [];
  #tickDue = false;
  #turnDue = false;
  #frozen = false;
  #applyDue = false;
  #committed: Zxid | undefined;
  #reads: { ticket: number; zxid: Zxid }[] = [];
  #snapshotAt = 0;

  constructor(id: ServerId, voters: readonly ServerId[], disk: VirtualDisk, around: ServerSurroundings) {
    this.id = id;
    this.disk = disk;
    this.#voters = voters;
    this.#around = around;
    const { settings, random } = around;
    this.diskSettings = settings.disk;
    this.turnDelayMax = settings.turnDelayMax;
    this.#tickUnits = UNITS_PER_TICK - settings.skew + random.below(2 * settings.skew + 1);
  }

  /** A snapshot is being put in place: no other is taken meanwhile. */
  get isInstalling(): boolean {
    return this.#frozen;
  }

  get alive(): boolean {
    return this.core !== undefined;
  }

  /** The disk holds a history, whole: the server counts. */
  get counts(): boolean {
    return this.disk.current > 0 && !this.disk.damaged;
  }

  start(): void {
    const { settings, random, network, events } = this.#around;
    this.run++;
    const recovery = this.disk.recover();
    this.machine = this.disk.snapshot;
    this.#snapshotAt = this.machine.position + settings.snapshotEvery;
    this.#inbox = [];
    this.#reads = [];
    this.#committed = undefined;
    this.#turnDue = this.#tickDue = this.#frozen = this.#applyDue = this.paused = this.crashInTurn = false;
    this.core = new ConsensusCore(
      {
        id: this.id,
        voters: this.#voters,
        ticks: settings.ticks,
        random: random.fraction,
        windowBytes: settings.windowBytes,
        inflightBytes: settings.inflightBytes,
        appendBytes: settings.appendBytes,
        emptyFolderVotes: 'auto',
        plantedBugs: settings.plantedBugs,
      },
      recovery,
    );
    this.core.step({ kind: 'applied', zxid: this.machine.zxid });
    events.onStart(this);
    network.attach(this.id);
    this.#tickLater(random.below(this.#tickUnits));
    this.#scheduleTurn();
  }

  /** The run ends here and now. */
  crash(): void {
    if (this.core === undefined) return;
    this.core = undefined;
    this.run++;
    this.disk.crash(this.#around.random);
    this.#around.network.detach(this.id);
  }

  input(input: Input): void {
    if (this.core === undefined) return;
    this.#inbox.push(input);
    this.#scheduleTurn();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#scheduleTurn();
  }

  /** A snapshot comes in: nothing is written meanwhile. */
  holdWrites(held: boolean): void {
    this.disk.hold(held);
    if (!held) this.#flush();
  }

  /** A snapshot came whole: it replaces log and state, and the core hears of it before anything else. */
  install(attempt: number, state: MachineState): void {
    const { random, queue, settings } = this.#around;
    this.#frozen = true;
    const { run } = this;
    if (settings.plantedBugs.has('disk-installs-in-place')) this.disk.installHalf();
    queue.after(this.#flushTime(random), () => {
      if (this.run !== run) return;
      this.disk.install(state);
      this.#frozen = false;
      this.#inbox.unshift({ kind: 'snapshotInstalled', attempt, zxid: state.zxid });
      this.holdWrites(false);
      this.#scheduleTurn();
    });
  }

  #tickLater(delay: number): void {
    const { run } = this;
    this.#around.queue.after(delay, () => {
      if (this.run !== run) return;
      this.#tickDue = true;
      this.#tickLater(this.#tickUnits);
      this.#scheduleTurn();
    });
  }

  #scheduleTurn(): void {
    if (this.#turnDue || this.paused || this.#frozen || this.core === undefined) return;
    const { queue, random } = this.#around;
    this.#turnDue = true;
    const { run } = this;
    const delay = this.turnDelayMax === 0 ? 0 : random.below(this.turnDelayMax);
    queue.after(delay, () => {
      if (this.run !== run) return;
      this.#turnDue = false;
      if (!this.paused && !this.#frozen) this.#turn(this.core!);
    });
  }

  #turn(core: ConsensusCore): void {
    const { trace, events } = this.#around;
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const input of inbox) core.step(input);
    if (this.#tickDue) {
      this.#tickDue = false;
      core.step({ kind: 'tick' });
    }
    const ready = core.takeReady();
    trace.add(1, this.id, inbox.length + ready.send.length * 8 + core.last.counter * 256);
    if (this.crashInTurn && (ready.send.length > 0 || ready.persist !== undefined)) return this.#crashIn(ready);
    this.#handOut(ready);
    if (this.core === core) events.onTurn(this);
  }

  #handOut(ready: Ready): void {
    const { network, events } = this.#around;
    events.onProposed(this, ready);
    events.onReady(this, ready);
    network.send(this.id, ready.send);
    if (ready.persist !== undefined) this.#persist(ready.persist);
    if (ready.committed !== undefined) {
      this.#committed = ready.committed;
      this.#applySoon();
    }
    for (const read of ready.reads) this.#reads.push(read);
    if (ready.reads.length > 0) this.#serveReads();
    for (const request of ready.readHistory) this.#readHistory(request);
    for (const { to, attempt } of ready.sendSnapshot) events.onSendSnapshot(this, to, attempt);
    if (ready.retired) events.onRetired(this);
  }

  /** A crash between the parts of a turn's work. */
  #crashIn(ready: Ready): void {
    const { network, random, trace, events } = this.#around;
    this.crashInTurn = false;
    const sent = random.below(ready.send.length + 1);
    trace.line(this.id, `crashes in a turn, ${sent} of ${ready.send.length} messages sent`);
    events.onProposed(this, ready);
    network.send(this.id, ready.send.slice(0, sent));
    if (ready.persist !== undefined && random.chance(0.5)) this.disk.add(ready.persist);
    this.disk.beginFlush();
    this.crash();
  }

  #persist(batch: PersistBatch): void {
    const { settings, network } = this.#around;
    if (settings.plantedBugs.has('driver-releases-before-flush')) network.send(this.id, batch.release);
    this.disk.add(batch);
    this.#flush();
  }

  #flush(): void {
    if (!this.disk.beginFlush()) return;
    const { queue, random } = this.#around;
    const { run } = this;
    queue.after(this.#flushTime(random), () => {
      if (this.run !== run) return;
      const batches = this.disk.endFlush();
      this.#around.events.onDurable(this, batches);
      this.#onFlushed(batches);
      this.#flush();
    });
  }

  #flushTime(random: Random): number {
    const { flushMin, flushSpread, stallRate, stallFactor } = this.diskSettings;
    const time = flushMin + random.below(flushSpread);
    return random.chance(stallRate) ? time * stallFactor : time;
  }

  /** A paused server says nothing; what is durable is so all the same. */
  #onFlushed(batches: readonly PersistBatch[]): void {
    const { network, settings, trace } = this.#around;
    const batch = batches[batches.length - 1]!.batch;
    trace.add(2, this.id, batch);
    if (!settings.plantedBugs.has('driver-releases-before-flush')) {
      const release = batches.flatMap((each) => each.release as Envelope[]);
      if (this.paused) this.#releaseWhenResumed(release);
      else network.send(this.id, release);
    }
    this.input({ kind: 'persisted', batch });
  }

  #releaseWhenResumed(release: readonly Envelope[]): void {
    const { queue, network } = this.#around;
    const { run } = this;
    queue.after(UNITS_PER_TICK, () => {
      if (this.run !== run) return;
      if (this.paused) this.#releaseWhenResumed(release);
      else network.send(this.id, release);
    });
  }

  #applySoon(): void {
    if (this.#applyDue) return;
    this.#applyDue = true;
    const { queue, random, settings } = this.#around;
    const { run } = this;
    const delay = settings.applyDelayMax === 0 ? 0 : random.below(settings.applyDelayMax);
    if (delay === 0) return this.#apply();
    queue.after(delay, () => {
      if (this.run === run) this.#apply();
    });
  }

  /** The one path to the state machine: out of memory, else from the log, else after a snapshot. */
  #apply(): void {
    this.#applyDue = false;
    if (this.#frozen || this.paused) return this.#applySoonAgain();
    const { settings } = this.#around;
    const committed = this.#committed!;
    const before = this.machine.position;
    while (compareZxid(this.machine.zxid, committed) < 0) {
      let limit = committed;
      let found = this.core!.blocksAfter(this.machine.zxid, 1 << 20);
      if (found.kind !== 'blocks') {
        found = this.disk.read(this.machine.zxid, READ_BLOCKS);
        if (!settings.plantedBugs.has('driver-applies-any-disk-block'))
          limit = minZxid(committed, this.core!.memoryStart);
      }
      if (found.kind === 'gone') {
        this.#restore();
        continue;
      }
      if (found.kind === 'diverged') {
        throw new Violation(
          'one-apply-path',
          `no block of the log ends at ${formatZxid(this.machine.zxid)}, which was applied`,
        );
      }
      if (!this.#applyAll(found.blocks, limit)) break;
    }
    if (this.machine.position !== before) this.#onApplied();
  }

  #applySoonAgain(): void {
    this.#applyDue = true;
    const { run } = this;
    this.#around.queue.after(UNITS_PER_TICK, () => {
      if (this.run === run) this.#apply();
    });
  }

  #applyAll(blocks: readonly Block[], limit: Zxid): boolean {
    let applied = 0;
    for (const block of blocks) {
      if (endsAfter(block, limit)) break;
      const position = this.machine.position + 1;
      this.#around.events.onApply(this, block, position);
      this.machine = { zxid: endOf(block), position };
      applied++;
    }
    return applied > 0;
  }

  #restore(): void {
    if (compareZxid(this.disk.snapshot.zxid, this.machine.zxid) <= 0) {
      throw new Violation('one-apply-path', `neither log nor snapshot goes on from ${formatZxid(this.machine.zxid)}`);
    }
    this.machine = this.disk.snapshot;
    this.#snapshotAt = this.machine.position + this.#around.settings.snapshotEvery;
    this.#around.events.onRestored(this);
  }

  #onApplied(): void {
    const { settings, trace } = this.#around;
    trace.add(3, this.id, this.machine.position);
    this.input({ kind: 'applied', zxid: this.machine.zxid });
    this.#serveReads();
    if (settings.snapshotEvery === 0 || this.machine.position < this.#snapshotAt) return;
    this.#snapshotAt = this.machine.position + settings.snapshotEvery;
    this.#saveSnapshot(this.machine);
  }

  #saveSnapshot(state: MachineState): void {
    const { queue, random, settings } = this.#around;
    const { run } = this;
    queue.after(this.#flushTime(random) * 2, () => {
      if (this.run === run && !this.#frozen && this.#canSave(state))
        this.disk.saveSnapshot(state, settings.snapshotKeep);
    });
  }

  /** A snapshot for a learner when none was taken yet. */
  takeSnapshot(): void {
    const { machine } = this;
    if (machine.position > 0 && this.#canSave(machine))
      this.disk.saveSnapshot(machine, this.#around.settings.snapshotKeep);
  }

  /**
   * Only what the log holds durably is saved: 1. a leader cuts off the tail of a log, and sends other blocks, committed; 2. they are applied and
   * saved while the cut is on its way to the disk; 3. the cut arrives, below the snapshot. (Seed 1127.)
   */
  #canSave(state: MachineState): boolean {
    if (this.#around.settings.plantedBugs.has('driver-saves-undurable-state')) return true;
    return compareZxid(state.zxid, this.core!.durable) <= 0;
  }

  #serveReads(): void {
    const waiting = this.#reads;
    this.#reads = [];
    for (const read of waiting) {
      if (compareZxid(read.zxid, this.machine.zxid) > 0) this.#reads.push(read);
      else this.#around.events.onRead(this, read.ticket, read.zxid);
    }
  }

  #readHistory({ to, attempt, after }: Ready['readHistory'][number]): void {
    const { queue, random } = this.#around;
    const { run } = this;
    queue.after(this.#flushTime(random), () => {
      if (this.run !== run) return;
      this.input({ kind: 'history', to, attempt, result: this.disk.read(after, READ_BLOCKS) });
    });
  }
}
