// over 400 lines: the one place where core, log, state machine and links meet; each of them stands alone.
// Over 400 lines: the turn and the life of one node share nearly all of their state; queues, persisting, applying and snapshots are already elsewhere.
import { ConsensusCore } from '../core/consensus-core.js';
import type { Input, PersistBatch, Ready, RefusalReason } from '../core/core-io.js';
import { compareZxid, maxZxid, ZXID_ZERO, type Zxid } from '../core/zxid.js';
import { AppliedWaiters } from './applied-waiters.js';
import { Applier } from './applier.js';
import {
  DEFAULT_LIMITS,
  DEFAULT_TIMING,
  ticksOf,
  type NodeLimits,
  type NodeOptions,
  type TimingOptions,
} from './options.js';
import { Pacer } from './pacer.js';
import { PendingWrites, type Done } from './pending-writes.js';
import { Persister, releasedBy } from './persister.js';
import { isSameAnnouncement, type Announcement, type NodeStatus } from './node-status.js';
import type { LogRead, PeerEvents, RecoveredLog } from './ports.js';
import { ReadQueue, type ReadDone } from './read-queue.js';
import { SnapshotReceiver } from './snapshot-receiver.js';
import { Snapshots } from './snapshots.js';
import { WriteQueue } from './write-queue.js';
import { asError } from './as-error.js';

type Lifecycle = 'new' | 'running' | 'stopping' | 'stopped' | 'failed';

/**
 * The driver: it brings the pure core together with a log store, a transport, a state machine and a clock. Inputs gather; once a turn of the
 * event loop the core takes them all, with every write that waits as one batch, and the work that results is handed out. Nothing is kept
 * waiting by a timer.
 *
 * Callbacks are called from such turns and must not throw.
 */
export class ConsensusNode<R> {
  readonly #options: NodeOptions<R>;
  readonly #timing: TimingOptions;
  readonly #limits: NodeLimits;
  readonly #persister: Persister;
  readonly #applier: Applier<R>;
  readonly #pacer: Pacer;
  readonly #snapshots: Snapshots;
  readonly #receiver: SnapshotReceiver;
  readonly #pending = new PendingWrites<R>();
  readonly #waiters = new AppliedWaiters();
  readonly #listeners = new Set<(status: NodeStatus) => void>();
  readonly #writes = new WriteQueue<R>();
  readonly #reads = new ReadQueue();
  #core: ConsensusCore | undefined;
  #recovered: RecoveredLog | undefined;
  #lifecycle: Lifecycle = 'new';
  #inputs: Input[] = [];
  #tickDue = false;
  #turnDue = false;
  #frozen = false;
  #diskFull = false;
  #stopTicking: () => void = () => undefined;
  #onRetired: () => void = () => undefined;
  #announced: Announcement | undefined;

  constructor(options: NodeOptions<R>) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const onFatal = (error: Error): void => this.#fail(error);
    const { logStore, stateMachine, clock, transport } = options;
    this.#persister = new Persister(logStore, {
      onPersisted: (batches) => this.#onPersisted(batches),
      onDiskFull: (full) => {
        this.#diskFull = full;
        this.#announce();
      },
      onFatal,
    });
    this.#applier = new Applier<R>({
      stateMachine,
      logStore,
      clock,
      fromMemory: (after, maxBytes) => this.#core!.blocksAfter(after, maxBytes),
      memoryStart: () => this.#core!.memoryStart,
      resultsWanted: (block) => this.#pending.awaits(block),
      onResults: (block, results) => this.#pending.settle(block, results),
      onApplied: (applied) => this.#onApplied(applied),
      onRestored: (sizeBytes) => {
        this.#snapshots.newestBytes = sizeBytes;
      },
      onFatal,
    });
    const bytesPerSecond = this.#limits.snapshotBytesPerSecond;
    this.#pacer = new Pacer({ clock, bytesPerSecond, logBytes: () => logStore.bytesSinceSnapshot });
    this.#snapshots = new Snapshots({
      stateMachine,
      logStore,
      transport,
      clock,
      random: options.random,
      everyBytes: this.#limits.snapshotEveryBytes,
      pacer: this.#pacer,
      applied: () => this.#applier.applied,
      durable: () => this.#core?.durable ?? ZXID_ZERO,
      isSynchronising: (learner, attempt) => this.#core?.isSynchronising(learner, attempt) === true,
      onProgress: (peer, attempt) => this.#input({ kind: 'snapshotProgress', peer, attempt }),
      onSent: (to, attempt, zxid) => this.#input({ kind: 'snapshotSent', to, attempt, zxid }),
      onFatal,
      mayBeUndurable: this.#planted('driver-saves-undurable-state'),
    });
    this.#receiver = new SnapshotReceiver({
      logStore,
      wanted: (from, attempt) => this.#core?.awaitsSnapshot(from, attempt) === true,
      holdWrites: async () => {
        await this.#snapshots.abandon();
        await this.#persister.hold();
      },
      resumeWrites: () => this.#persister.resume(),
      freeze: () => {
        this.#frozen = true;
      },
      onProgress: (peer, attempt) => this.#input({ kind: 'snapshotProgress', peer, attempt }),
      onInstalled: (attempt, zxid) => this.#onInstalled(attempt, zxid),
      onFailed: (error) => this.#onInstallFailed(error),
    });
  }

  /** Opens the log, restores the state, starts the transport and begins to look for a leader. Rejects, with nothing left running, when the log cannot be opened. */
  async start(): Promise<void> {
    if (this.#lifecycle !== 'new') throw new Error('a node is started once');
    this.#lifecycle = 'running';
    const { logStore, transport, clock } = this.#options;
    const recovered = (this.#recovered = await logStore.open());
    this.#snapshots.newest = recovered.snapshotZxid;
    await this.#applier.restore();
    this.#core = new ConsensusCore(
      {
        id: this.#options.id,
        voters: this.#options.voters,
        ticks: ticksOf(this.#timing),
        random: this.#options.random,
        windowBytes: this.#limits.windowBytes,
        inflightBytes: this.#limits.inflightBytes,
        appendBytes: this.#limits.blockBytesMax,
        emptyFolderVotes: this.#options.emptyFolderVotes ?? 'auto',
        plantedBugs: this.#options.plantedBugs ?? new Set(),
      },
      {
        ...recovered.hardState,
        lastZxid: recovered.lastZxid,
        committed: maxZxid(recovered.snapshotZxid ?? ZXID_ZERO, recovered.committedZxid),
        damaged: recovered.damage !== undefined,
      },
    );
    await transport.start(this.#peerEvents());
    this.#stopTicking = clock.every(this.#timing.tickMs, () => this.#onTick());
    this.#schedule();
  }

  /**
   * Stops. Graceful (the default): a leader first commits what it has and lets the others elect, for at most `timeoutMs` (default 2,000).
   * Writes that are then still open end as `unknown`.
   */
  async stop(options: { readonly graceful?: boolean; readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#lifecycle === 'stopped' || this.#lifecycle === 'new') {
      this.#lifecycle = 'stopped';
      return;
    }
    if (this.#lifecycle === 'running') {
      this.#lifecycle = 'stopping';
      if (options.graceful !== false && this.#core !== undefined) await this.#retire(options.timeoutMs ?? 2_000);
    }
    this.#halt('stopped');
    await this.#snapshots.stop();
    await this.#options.transport.stop();
    await this.#persister.drain();
    await this.#options.logStore.close();
  }

  /**
   * Submits a write. On the leader it is proposed with everything else that waits in this turn; elsewhere it is refused (`notLeader`).
   * `done` is called exactly once. `applied`: it is durable on a quorum, and the state machine here has applied it.
   * The bytes must not change afterwards.
   */
  propose(operation: Uint8Array, done: Done<R>): void {
    const refusal = this.#refusal(operation.byteLength);
    if (refusal !== undefined) {
      done({ kind: 'refused', reason: refusal });
      return;
    }
    this.#writes.push(operation, done);
    this.#schedule();
  }

  /**
   * Calls `done` without a refusal once everything that was acknowledged, to anybody, before this call has been applied here. All reads of a turn share one
   * question to a quorum.
   */
  readBarrier(done: ReadDone): void {
    if (this.#lifecycle !== 'running') {
      done('leaving');
      return;
    }
    this.#reads.push(done);
    this.#schedule();
  }

  /** Calls `done` once `zxid` is applied here: at once if it is. Returns what cancels it. */
  whenApplied(zxid: Zxid, done: () => void): () => void {
    if (compareZxid(zxid, this.#applier.applied) <= 0) {
      done();
      return () => undefined;
    }
    return this.#waiters.add(zxid, done);
  }

  get status(): NodeStatus {
    const core = this.#core;
    return {
      ...this.#announcement(),
      lastLogged: core?.last ?? ZXID_ZERO,
      durable: core?.durable ?? ZXID_ZERO,
      committed: core?.committed ?? ZXID_ZERO,
      applied: this.#applier.applied,
      damage: core?.standing === 'damaged' ? this.#recovered?.damage : undefined,
      peers: core?.peers ?? [],
      snapshotZxid: this.#snapshots.newest,
      logBytes: this.#options.logStore.sizeBytes,
      lookingBecause: core?.lookingBecause ?? 'starting',
    };
  }

  #announcement(): Announcement {
    const core = this.#core;
    const status = core?.status ?? { role: 'looking' as const, serving: false, epoch: 0, leader: undefined };
    return {
      role: status.role,
      serving: this.#alive && status.serving,
      epoch: status.epoch,
      leader: this.#alive ? status.leader : undefined,
      standing: core?.standing ?? 'fresh',
      writesRefused: this.#diskFull ? 'the disk is full' : undefined,
    };
  }

  /** Calls `listener` whenever role, serving, epoch, leader, standing or the disk's state changes. Returns what ends it. */
  onStatus(listener: (status: NodeStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #refusal(bytes: number): RefusalReason | undefined {
    if (this.#lifecycle !== 'running') return 'leaving';
    if (this.#diskFull) return 'diskFull';
    const { pendingBytesMax, pendingWritesMax } = this.#limits;
    if (this.#pending.bytes + this.#writes.bytes + bytes > pendingBytesMax) return 'overloaded';
    return this.#pending.count + this.#writes.count >= pendingWritesMax ? 'overloaded' : undefined;
  }

  #peerEvents(): PeerEvents {
    return {
      onMessage: (from, message) => this.#input({ kind: 'message', from, message }),
      onPeerUp: (peer) => this.#input({ kind: 'peerUp', peer }),
      onPeerLost: (peer) => this.#input({ kind: 'peerLost', peer }),
      onSnapshot: (from, attempt, zxid, chunks) => this.#receiver.receive(from, attempt, zxid, chunks),
    };
  }

  #input(input: Input): void {
    this.#inputs.push(input);
    this.#schedule();
  }

  #onTick(): void {
    this.#tickDue = true;
    this.#persister.retry();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#turnDue || this.#core === undefined || !this.#alive) return;
    this.#turnDue = true;
    this.#options.clock.nextTurn(() => this.#turn());
  }

  get #alive(): boolean {
    return this.#lifecycle === 'running' || this.#lifecycle === 'stopping';
  }

  #turn(): void {
    this.#turnDue = false;
    if (!this.#alive || this.#frozen) return;
    try {
      this.#stepAll(this.#core!);
      this.#handOut(this.#core!.takeReady());
    } catch (error) {
      this.#fail(asError(error));
    }
  }

  /** Messages first, then time: after a stall, what waited in the sockets is heard before anybody is taken for silent. */
  #stepAll(core: ConsensusCore): void {
    const inputs = this.#inputs;
    this.#inputs = [];
    for (const input of inputs) core.step(input);
    if (this.#tickDue) {
      this.#tickDue = false;
      core.step({ kind: 'tick' });
    }
    this.#proposeAll(core);
    const ticket = this.#reads.takeTicket();
    if (ticket !== undefined) core.step({ kind: 'read', ticket });
  }

  #proposeAll(core: ConsensusCore): void {
    const timeMs = this.#options.clock.wallMs();
    for (const { dones, payload, bytes } of this.#writes.take(this.#limits.blockBytesMax)) {
      const ticket = this.#pending.add(dones, bytes);
      core.step({ kind: 'propose', ticket, count: dones.length, payload, timeMs });
    }
  }

  #handOut(ready: Ready): void {
    for (const { to, message } of ready.send) this.#options.transport.send(to, message);
    if (ready.persist !== undefined) this.#persist(ready.persist);
    for (const { ticket, block } of ready.assigned) this.#pending.assign(ticket, block);
    for (const { ticket, reason } of ready.refused) this.#refuse(ticket, reason);
    if (this.#planted('driver-applies-uncommitted')) this.#applier.commitTo(this.#core!.last);
    else if (ready.committed !== undefined) this.#applier.commitTo(ready.committed);
    // After the commits of the turn: what was committed is answered, not abandoned.
    if (ready.status !== undefined) this.#onRoleChanged();
    for (const { ticket, zxid } of ready.reads) this.#serveRead(ticket, zxid);
    for (const request of ready.readHistory) this.#readHistory(request);
    for (const { to, attempt } of ready.sendSnapshot) this.#snapshots.send(to, attempt);
    this.#receiver.check();
    if (ready.retired) this.#onRetired();
    this.#snapshots.takeIfDue();
    this.#announce();
  }

  #planted(bug: string): boolean {
    return this.#options.plantedBugs?.has(bug) === true;
  }

  #persist(batch: PersistBatch): void {
    if (this.#planted('driver-releases-before-flush')) this.#release([batch]);
    this.#persister.add(batch);
  }

  #release(batches: readonly PersistBatch[]): void {
    for (const { to, message } of releasedBy(batches)) this.#options.transport.send(to, message);
  }

  #serveRead(ticket: number, zxid: Zxid): void {
    const serve = (): void => this.#reads.end(ticket, undefined);
    if (this.#planted('driver-serves-reads-before-applied')) serve();
    else this.whenApplied(zxid, serve);
  }

  #onRoleChanged(): void {
    if (this.#core!.status.role === 'leading' && this.#core!.status.serving) return;
    this.#pending.abandon();
    this.#snapshots.abortSending();
  }

  #refuse(ticket: number, reason: RefusalReason): void {
    if (ticket < 0) this.#reads.end(ticket, reason);
    else this.#pending.refuse(ticket, reason);
  }

  #readHistory({ to, attempt, after, maxBytes }: Ready['readHistory'][number]): void {
    this.#readAtAPace(after, maxBytes).then(
      (result) => this.#input({ kind: 'history', to, attempt, result }),
      (error: unknown) => this.#fail(asError(error)),
    );
  }

  /** What a learner missed goes at the pace of snapshots, lest writers feel it; without a quorum there are none, and all wait for the learner. */
  async #readAtAPace(after: Zxid, maxBytes: number): Promise<LogRead> {
    const read = await this.#options.logStore.read(after, maxBytes);
    if (read.kind !== 'blocks' || this.#core?.status.serving !== true) return read;
    await this.#pacer.pay(read.blocks.reduce((bytes, block) => bytes + block.payload.byteLength, 0));
    return read;
  }

  #onPersisted(batches: readonly PersistBatch[]): void {
    if (!this.#alive) return;
    if (!this.#planted('driver-releases-before-flush')) this.#release(batches);
    this.#input({ kind: 'persisted', batch: batches[batches.length - 1]!.batch });
  }

  #onApplied(applied: Zxid): void {
    this.#core?.step({ kind: 'applied', zxid: applied });
    this.#waiters.onApplied(applied);
  }

  #onInstalled(attempt: number, zxid: Zxid): void {
    this.#frozen = false;
    this.#snapshots.newest = zxid;
    this.#inputs.unshift({ kind: 'snapshotInstalled', attempt, zxid });
    this.#turn();
  }

  /** Nothing was replaced when the snapshot was found to be bad; a disk that failed ends the run. */
  #onInstallFailed(error: unknown): void {
    this.#frozen = false;
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code === 'DISK_FAILED') this.#fail(error as Error);
    else this.#schedule();
  }

  async #retire(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const until = clock.monotonicMs() + timeoutMs;
      const stopWaiting = clock.every(this.#timing.tickMs, () => {
        if (clock.monotonicMs() >= until || !this.#alive) this.#onRetired();
      });
      this.#onRetired = () => {
        stopWaiting();
        resolve();
      };
      this.#input({ kind: 'retire' });
    });
    // What the last turn released is on its way only once the sockets had their turn.
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
  }

  #fail(error: Error): void {
    if (!this.#alive) return;
    this.#halt('failed');
    this.#options.onFatal(error);
  }

  #halt(lifecycle: 'stopped' | 'failed'): void {
    this.#lifecycle = lifecycle;
    this.#stopTicking();
    this.#applier.stop();
    this.#pending.abandon();
    this.#writes.refuseAll();
    this.#reads.endAll('leaving');
    this.#announce();
  }

  #announce(): void {
    if (this.#listeners.size === 0) return;
    const announcement = this.#announcement();
    if (this.#announced !== undefined && isSameAnnouncement(announcement, this.#announced)) return;
    this.#announced = announcement;
    const { status } = this;
    for (const listener of this.#listeners) listener(status);
  }
}
