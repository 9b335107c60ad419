import { assert } from './assert.js';
import { endOf, type Block } from './block.js';
import { BlockWindow } from './block-window.js';
import type { Standing } from './messages.js';
import { Outbox } from './outbox.js';
import { Voters } from './quorum.js';
import type { ServerId } from './server-id.js';
import type { Ticks } from './timing.js';
import { compareZxid, formatZxid, maxZxid, minZxid, ZXID_ZERO, type Zxid } from './zxid.js';

export interface CoreOptions {
  readonly id: ServerId;
  /** Every voter, this server included. */
  readonly voters: readonly ServerId[];
  readonly ticks: Ticks;
  /** 0 <= random() < 1. The only source of chance. */
  readonly random: () => number;
  /** Log bytes kept in memory, for learners that are a little behind. Default 32 MiB. */
  readonly windowBytes: number;
  /** Log bytes on their way to one learner before the leader waits for its acks. Default 16 MiB. */
  readonly inflightBytes: number;
  /** Log bytes in one Append. Default 1 MiB. */
  readonly appendBytes: number;
  /** `always`: a server with an empty folder votes in any cluster (see `Standing`). */
  readonly emptyFolderVotes: 'auto' | 'always';
  /** Switches off single rules of the protocol, so that tests can prove that breaking them is noticed. Empty outside tests. */
  readonly plantedBugs: ReadonlySet<string>;
}

/** What the log store found: where this run starts from. */
export interface CoreRecovery {
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly lastZxid: Zxid;
  /** Known to be committed: a snapshot's zxid, or what the log's blocks tell. */
  readonly committed: Zxid;
  readonly damaged: boolean;
}

export type Transition =
  | { readonly to: 'looking'; readonly why: string }
  | { readonly to: 'following'; readonly leader: ServerId }
  | { readonly to: 'leading' };

/** What all roles share: the log, the promises, the commit position, and the way out. */
export class CoreContext {
  readonly options: CoreOptions;
  readonly id: ServerId;
  readonly voters: Voters;
  readonly ticks: Ticks;
  readonly outbox = new Outbox();
  readonly window: BlockWindow;
  /** Peers with which messages can be exchanged. */
  readonly reachable = new Set<ServerId>();
  now = 0;
  acceptedEpoch: number;
  currentEpoch: number;
  committed: Zxid;
  committedMoved: boolean;
  applied: Zxid = ZXID_ZERO;
  /** Everything up to here is on this server's disk. Only from this are acks made. */
  durable: Zxid;
  /** Stopping in good order: takes no part in elections any more. */
  retired = false;
  /** The highest epoch that anybody was heard to have promised: the next one that this server picks lies above it. */
  epochSeen = 0;
  transition: Transition | undefined;
  #damaged: boolean;
  #repairBatch = Infinity;
  #attempt: number;
  /** Ends of the blocks in persist batches that are under way, oldest first. */
  #undurable: { batch: number; end: Zxid }[] = [];

  constructor(options: CoreOptions, recovery: CoreRecovery) {
    this.options = options;
    this.id = options.id;
    this.voters = new Voters(options.voters);
    assert(this.voters.has(options.id), `server ${options.id} is not among the voters`);
    this.ticks = options.ticks;
    this.window = new BlockWindow(recovery.lastZxid);
    this.acceptedEpoch = recovery.acceptedEpoch;
    this.currentEpoch = recovery.currentEpoch;
    this.durable = recovery.lastZxid;
    this.committed = minZxid(recovery.committed, recovery.lastZxid);
    this.committedMoved = compareZxid(this.committed, ZXID_ZERO) > 0;
    this.#damaged = recovery.damaged;
    // Attempts of an earlier run of this server must not be taken for this run's: a random start, room for 2^20 a run.
    this.#attempt = Math.floor(options.random() * 0x7fff_ffff) * 0x10_0000;
  }

  get last(): Zxid {
    return this.window.last;
  }

  /** One that has promised an epoch in a cluster without any history (see `Learner`) has lost nothing, and counts. */
  get standing(): Standing {
    if (this.#damaged) return 'damaged';
    return this.acceptedEpoch === 0 && this.options.emptyFolderVotes === 'auto' ? 'fresh' : 'voter';
  }

  planted(bug: string): boolean {
    return this.options.plantedBugs.has(bug);
  }

  nextAttempt(): number {
    return ++this.#attempt;
  }

  /** `base` up to twice `base`, so that servers that failed together do not try again together. */
  jittered(base: number): number {
    return base + Math.floor(this.options.random() * (base + 1));
  }

  /** Asks to change role. The first reason in a step wins; it takes effect when the step ends. */
  become(transition: Transition): void {
    this.transition ??= transition;
  }

  look(why: string): void {
    this.become({ to: 'looking', why });
  }

  /** Promises an epoch: nothing of an older leader is accepted after this is durable. */
  promise(epoch: number): number {
    assert(epoch > this.acceptedEpoch, 'promises only grow');
    this.acceptedEpoch = epoch;
    return this.#persistHardState(false);
  }

  /** Adopts the log as it stands as the history of `epoch` (a guest promises it in the same record). It becomes durable after the log does; the damage, if any, is mended with it. */
  adopt(epoch: number, asGuest = false): number {
    if (asGuest) this.acceptedEpoch = Math.max(this.acceptedEpoch, epoch);
    assert(epoch >= this.currentEpoch && epoch <= this.acceptedEpoch, 'only a promised epoch is adopted');
    this.currentEpoch = epoch;
    const batch = this.#persistHardState(this.#damaged);
    if (this.#damaged) this.#repairBatch = batch;
    return batch;
  }

  #persistHardState(repaired: boolean): number {
    const { acceptedEpoch, currentEpoch } = this;
    return this.outbox.hardState({ acceptedEpoch, currentEpoch }, repaired);
  }

  append(block: Block): void {
    this.window.append(block);
    this.outbox.append(block);
    const end = endOf(block);
    const newest = this.#undurable[this.#undurable.length - 1];
    if (newest !== undefined && newest.batch === this.outbox.batch) newest.end = end;
    else this.#undurable.push({ batch: this.outbox.batch, end });
  }

  truncateTo(zxid: Zxid): void {
    assert(
      compareZxid(zxid, this.committed) >= 0,
      `asked to cut the log at ${formatZxid(zxid)}, before what is committed (${formatZxid(this.committed)})`,
    );
    this.window.truncateTo(zxid);
    this.outbox.truncateTo(zxid);
    this.durable = minZxid(this.durable, zxid);
    for (const entry of this.#undurable) entry.end = minZxid(entry.end, zxid);
  }

  /** A snapshot has replaced the log and the state. */
  resetTo(zxid: Zxid): void {
    this.window.reset(zxid);
    this.outbox.dropBlocks();
    this.#undurable = [];
    this.durable = zxid;
    this.committed = maxZxid(this.committed, zxid);
    this.committedMoved = true;
  }

  persisted(batch: number): void {
    if (batch >= this.#repairBatch) {
      this.#damaged = false;
      this.#repairBatch = Infinity;
    }
    let done = 0;
    while (done < this.#undurable.length && this.#undurable[done]!.batch <= batch) {
      this.durable = maxZxid(this.durable, this.#undurable[done]!.end);
      done++;
    }
    if (done > 0) this.#undurable.splice(0, done);
    this.#evict();
  }

  /** Everything up to `zxid` is committed, and in this log. */
  commitTo(zxid: Zxid): void {
    const target = minZxid(zxid, this.last);
    if (compareZxid(target, this.committed) <= 0) return;
    this.committed = target;
    this.committedMoved = true;
  }

  onApplied(zxid: Zxid): void {
    this.applied = maxZxid(this.applied, zxid);
    this.#evict();
  }

  #evict(): void {
    this.window.evict(minZxid(this.applied, this.durable), this.options.windowBytes);
  }
}
