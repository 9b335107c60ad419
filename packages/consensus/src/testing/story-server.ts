import { endOf, endsAfter, type Block } from '../core/block.js';
import { ConsensusCore } from '../core/consensus-core.js';
import type { CoreRecovery } from '../core/core-context.js';
import type { HistoryResult, Input, PersistBatch, Ready } from '../core/core-io.js';
import type { ServerId } from '../core/server-id.js';
import { DEFAULT_TICKS } from '../core/timing.js';
import { compareZxid, formatZxid, maxZxid, minZxid, sameZxid, ZXID_ZERO, type Zxid } from '../core/zxid.js';

/** What a server of a story does with what its core hands out. */
export interface StoryEvents {
  onSend(from: ServerId, ready: Pick<Ready, 'send'>): void;
  onSnapshot(from: ServerId, to: ServerId, attempt: number): void;
  onTold(line: string): void;
}

/** One server of a story: the core, a disk that flushes when it is told to, and a list as its state machine. */
export class StoryServer {
  readonly id: ServerId;
  core: ConsensusCore | undefined;
  /** Flushes wait for `flush`. */
  slowDisk = false;
  /** Inputs wait for `resume`. */
  paused = false;
  applied: Zxid = ZXID_ZERO;
  snapshot: Zxid = ZXID_ZERO;
  readonly #voters: readonly ServerId[];
  readonly #events: StoryEvents;
  readonly #planted: ReadonlySet<string>;
  #log: Block[] = [];
  #first: Zxid = ZXID_ZERO;
  #accepted = 0;
  #current = 0;
  #damaged = false;
  #batches: PersistBatch[] = [];
  #waiting: Input[] = [];
  #tickDue = false;
  #chance = 1;

  constructor(id: ServerId, voters: readonly ServerId[], planted: ReadonlySet<string>, events: StoryEvents) {
    this.id = id;
    this.#voters = voters;
    this.#planted = planted;
    this.#events = events;
    this.#chance = id * 7919;
  }

  get hasBatches(): boolean {
    return this.#batches.length > 0;
  }

  start(): void {
    this.applied = this.snapshot;
    this.core = new ConsensusCore(
      {
        id: this.id,
        voters: this.#voters,
        ticks: DEFAULT_TICKS,
        random: () => this.#fraction(),
        windowBytes: 1 << 20,
        inflightBytes: 1 << 20,
        appendBytes: 1 << 20,
        emptyFolderVotes: 'auto',
        plantedBugs: this.#planted,
      },
      this.#recovery(),
    );
    this.#turn();
  }

  /** What is not durable is lost. */
  crash(): void {
    this.core = undefined;
    this.paused = false;
    this.#batches = [];
    this.#waiting = [];
    this.#tickDue = false;
  }

  wipe(): void {
    this.#log = [];
    this.#first = this.snapshot = ZXID_ZERO;
    this.#accepted = this.#current = 0;
    this.#damaged = false;
  }

  damage(count: number): void {
    this.#log.splice(Math.max(0, this.#log.length - count));
    this.#damaged = true;
  }

  /** What a log store makes of two unreadable slots: the epochs in the log are the least that was promised. */
  forget(): void {
    this.#accepted = this.#log[this.#log.length - 1]?.epoch ?? this.snapshot.epoch;
    this.#current = 0;
    this.#damaged = true;
  }

  input(input: Input): void {
    if (this.core === undefined) return;
    if (this.paused) {
      if (input.kind === 'tick') this.#tickDue = true;
      else this.#waiting.push(input);
      return;
    }
    this.core.step(input);
    this.#turn();
  }

  /** What waited is heard in one turn, as a stalled process hears it, and at most one tick, behind the messages. */
  resume(): void {
    this.paused = false;
    for (const input of this.#waiting) this.core?.step(input);
    this.#waiting = [];
    if (this.#tickDue) this.core?.step({ kind: 'tick' });
    this.#tickDue = false;
    if (this.core !== undefined) this.#turn();
  }

  /** All batches become durable, in order. */
  flush(): void {
    for (const batch of this.#batches.splice(0)) {
      this.#write(batch);
      this.#events.onSend(this.id, { send: batch.release });
      this.input({ kind: 'persisted', batch: batch.batch });
    }
  }

  /** Takes a snapshot of what is applied, and forgets the log behind it. */
  purge(): void {
    this.snapshot = this.applied;
    this.#log = this.#log.filter((block) => endsAfter(block, this.applied));
    this.#first = this.applied;
  }

  install(attempt: number, zxid: Zxid): void {
    this.snapshot = this.#first = zxid;
    this.#log = [];
    this.applied = zxid;
    this.input({ kind: 'snapshotInstalled', attempt, zxid });
  }

  /** `2 following 1, serving epoch 1, log 0x100000003, committed 0x100000003`. */
  describe(): string {
    const { core } = this;
    if (core === undefined) return `${this.id} down, log ${formatZxid(this.#last)}`;
    const standing = core.standing === 'voter' ? '' : ` (${core.standing})`;
    const at = `log ${formatZxid(core.last)}, durable ${formatZxid(core.durable)}, committed ${formatZxid(core.committed)}`;
    return `${this.id}${standing} ${this.#describeStatus()}, ${at}`;
  }

  get #last(): Zxid {
    return this.#log.length > 0 ? endOf(this.#log[this.#log.length - 1]!) : this.#first;
  }

  #fraction(): number {
    this.#chance = (this.#chance * 48_271) % 0x7fff_ffff;
    return this.#chance / 0x7fff_ffff;
  }

  #recovery(): CoreRecovery {
    let committed = this.snapshot;
    for (const block of this.#log) {
      committed = maxZxid(committed, { epoch: block.committedEpoch, counter: block.committedCounter });
    }
    const { lastZxid, ...rest } = { lastZxid: this.#last, acceptedEpoch: this.#accepted, currentEpoch: this.#current };
    return { ...rest, lastZxid, committed, damaged: this.#damaged };
  }

  #turn(): void {
    const ready = this.core!.takeReady();
    if (ready.status !== undefined) this.#events.onTold(`${this.id} is ${this.#describeStatus()}`);
    this.#events.onSend(this.id, ready);
    if (ready.persist !== undefined) this.#batches.push(ready.persist);
    if (ready.committed !== undefined) this.#apply(ready.committed);
    for (const { ticket, block } of ready.assigned)
      this.#events.onTold(`write ${ticket} is ${formatZxid(endOf(block))}`);
    for (const { ticket, reason } of ready.refused) this.#events.onTold(`request ${ticket} is refused: ${reason}`);
    for (const { ticket, zxid } of ready.reads)
      this.#events.onTold(`read ${ticket} is answered at ${formatZxid(zxid)}`);
    for (const { to, attempt, after } of ready.readHistory) {
      this.input({ kind: 'history', to, attempt, result: this.#read(after) });
    }
    for (const { to, attempt } of ready.sendSnapshot) this.#events.onSnapshot(this.id, to, attempt);
    if (ready.retired) {
      this.#events.onTold(`${this.id} has stopped in good order`);
      this.crash();
    }
  }

  #describeStatus(): string {
    const { role, serving, epoch, leader } = this.core!.status;
    if (role === 'looking') return `looking (${this.core!.lookingBecause})`;
    return serving ? `${role}${role === 'following' ? ` ${leader ?? 0}` : ''}, serving epoch ${epoch}` : role;
  }

  #apply(committed: Zxid): void {
    const limit = minZxid(committed, this.core!.last);
    if (compareZxid(limit, this.applied) <= 0) return;
    this.applied = limit;
    this.#events.onTold(`${this.id} commits up to ${formatZxid(limit)}`);
    this.core!.step({ kind: 'applied', zxid: limit });
  }

  #write({ truncateTo, blocks, hardState, repaired }: PersistBatch): void {
    if (truncateTo !== undefined) this.#log = this.#log.filter((block) => !endsAfter(block, truncateTo));
    this.#log.push(...blocks);
    if (hardState !== undefined) {
      this.#accepted = hardState.acceptedEpoch;
      this.#current = hardState.currentEpoch;
    }
    if (repaired) this.#damaged = false;
  }

  #read(after: Zxid): HistoryResult {
    if (compareZxid(after, this.#first) < 0) return { kind: 'gone' };
    const found = this.#log.findIndex((block) => endsAfter(block, after));
    const start = found < 0 ? this.#log.length : found;
    const at = start > 0 ? endOf(this.#log[start - 1]!) : this.#first;
    return sameZxid(at, after) ? { kind: 'blocks', blocks: this.#log.slice(start) } : { kind: 'diverged', at };
  }
}
