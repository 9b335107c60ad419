// over 400 lines: what a leader keeps of its epoch is one state machine; what sends to learners and counts quorums stands alone.
// Over 400 lines: the phases of one leader share nearly all of its state, and its guests, its sender and its read barriers are already elsewhere.
import { assert } from './assert.js';
import type { Block } from './block.js';
import type { CoreContext } from './core-context.js';
import type { HistoryResult, Input } from './core-io.js';
import { compareHistories, countsFor } from './election.js';
import { Guests } from './guests.js';
import { LearnerProgress } from './learner-progress.js';
import { LearnerSender } from './learner-sender.js';
import type {
  Ack,
  AckEpoch,
  AckNewLeader,
  FollowerInfo,
  Message,
  Notification,
  Pong,
  ReadRequest,
  Vote,
} from './messages.js';
import { ReadBarriers } from './read-barrier.js';
import type { ServerId } from './server-id.js';
import { COUNTER_MAX, compareZxid, maxZxid, sameZxid, ZXID_ZERO, type Zxid } from './zxid.js';

const NOTHING = new Uint8Array(0);

/** What a learner sends to its leader. */
export type FromLearner = FollowerInfo | AckEpoch | AckNewLeader | Ack | Pong | ReadRequest;

/**
 * A server that leads: phases 1 to 3 from the leader's side (ZooKeeper's Leader and LearnerHandler).
 * - discovery: a quorum follows, so an epoch is chosen; a quorum promises it, so this history is the one.
 * - synchronisation: each learner is brought to this history; a quorum holds it durably, so it is committed.
 * - broadcast: writes are proposed, and committed when a quorum holds them durably.
 */
export class Leader {
  readonly kind = 'leading';
  readonly #ctx: CoreContext;
  readonly #sender: LearnerSender;
  readonly #guests: Guests;
  readonly #learners = new Map<ServerId, LearnerProgress>();
  readonly #barriers = new ReadBarriers();
  readonly #electedWith: Vote;
  #phase: 'discovery' | 'synchronisation' | 'broadcast' = 'discovery';
  /** 0 until it is chosen. */
  #epoch = 0;
  /** The persist batches that make this server's own promise, and its own adoption of the epoch, durable. */
  #promiseBatch = Infinity;
  #adoptBatch = Infinity;
  #promised = false;
  #adopted = false;
  #deadline: number;
  #pingAt = 0;
  #leaving = false;

  constructor(ctx: CoreContext) {
    this.#ctx = ctx;
    this.#sender = new LearnerSender(ctx);
    this.#guests = new Guests(ctx);
    this.#electedWith = { leader: ctx.id, epoch: ctx.currentEpoch, zxid: ctx.last };
    this.#deadline = ctx.now + ctx.ticks.election;
  }

  get serving(): boolean {
    return this.#phase === 'broadcast';
  }

  get epoch(): number {
    return this.#epoch;
  }

  get learners(): ReadonlyMap<ServerId, LearnerProgress> {
    return this.#learners;
  }

  /** What it answers to one that looks: the election's vote until it serves, then a vote of the epoch in force. */
  get vote(): Vote {
    return this.serving ? { leader: this.#ctx.id, epoch: this.#epoch, zxid: this.#ctx.last } : this.#electedWith;
  }

  start(): void {
    this.#chooseEpoch();
  }

  /** Synchronised learners that count: for the epoch, for commits, and for the quorum that reads and leadership rest on. */
  #voting(): LearnerProgress[] {
    return [...this.#learners.values()].filter((learner) => learner.synced && !learner.guest);
  }

  onTick(): void {
    const { now, ticks } = this.#ctx;
    if (this.#epoch === 0) this.#chooseEpoch();
    if (!this.serving && now >= this.#deadline) return this.#ctx.look('no quorum followed in time');
    if (this.serving && this.#heardFrom(now - ticks.election) < this.#ctx.voters.quorum) {
      return this.#ctx.look('the quorum is silent');
    }
    for (const learner of [...this.#learners.values()]) {
      if (now - learner.lastHeard >= ticks.sync) this.#drop(learner);
    }
    if (this.#phase !== 'discovery' && now >= this.#pingAt) this.#pingAll();
  }

  onPeerLost(peer: ServerId): void {
    const learner = this.#learners.get(peer);
    if (learner !== undefined) this.#learners.delete(peer);
  }

  /** One that looks has a better history, and this one's is not yet in force: let it win. */
  onLooking(message: Notification): void {
    if (this.#phase !== 'discovery' || !countsFor(message.standing, message.vote.epoch)) return;
    if (compareHistories(message.vote, this.#electedWith) > 0) this.#ctx.look('a server with a better history looks');
  }

  onMessage(from: ServerId, message: FromLearner): void {
    if (message.kind === 'followerInfo') return this.#onFollowerInfo(from, message);
    const learner = this.#learners.get(from);
    if (learner === undefined || (learner.attempt !== message.attempt && !this.#ctx.planted('accept-stale-attempts'))) {
      this.#ctx.outbox.send(from, { kind: 'refuse', attempt: message.attempt });
      return;
    }
    if (learner.synced || message.kind !== 'pong') learner.lastHeard = this.#ctx.now;
    switch (message.kind) {
      case 'ackEpoch':
        return this.#onAckEpoch(learner, message);
      case 'ackNewLeader':
        return this.#onAckNewLeader(learner, message);
      case 'ack':
        return this.#onAck(learner, message);
      case 'pong':
        learner.barrier = Math.max(learner.barrier, message.barrier);
        return;
      case 'readRequest':
        if (this.serving) this.#barriers.addRemote({ from, attempt: message.attempt, request: message.request });
        return;
    }
  }

  onPropose(input: Extract<Input, { kind: 'propose' }>): void {
    if (!this.serving || this.#leaving) {
      this.#ctx.outbox.refuse(input.ticket, this.#leaving ? 'leaving' : 'noQuorum');
      return;
    }
    const prev = this.#ctx.last;
    const counter = prev.epoch === this.#epoch ? prev.counter : 0;
    if (counter + input.count > COUNTER_MAX) {
      this.#ctx.outbox.refuse(input.ticket, 'noQuorum');
      this.#ctx.look('the counter of this epoch is used up');
      return;
    }
    const block = this.#appendBlock(input.count, input.payload, input.timeMs);
    this.#ctx.outbox.assigned.push({ ticket: input.ticket, block });
  }

  /** One zxid, no bytes, no change. */
  #proposeNothing(): void {
    if (!this.#leaving && this.#ctx.last.counter < COUNTER_MAX) this.#appendBlock(1, NOTHING, 0);
  }

  #appendBlock(count: number, payload: Uint8Array, timeMs: number): Block {
    const { last: prev, committed } = this.#ctx;
    const block: Block = {
      epoch: this.#epoch,
      leader: this.#ctx.id,
      firstCounter: prev.epoch === this.#epoch ? prev.counter + 1 : 1,
      count,
      prevEpoch: prev.epoch,
      prevCounter: prev.counter,
      committedEpoch: committed.epoch,
      committedCounter: committed.counter,
      timeMs,
      payload,
      record: undefined,
    };
    this.#ctx.append(block);
    return block;
  }

  onRead(ticket: number): void {
    if (this.serving) this.#barriers.addLocal(ticket);
    else this.#ctx.outbox.refuse(ticket, 'noQuorum');
  }

  onPersisted(batch: number): void {
    if (!this.#promised && batch >= this.#promiseBatch) {
      this.#promised = true;
      this.#checkPromises();
    }
    if (!this.#adopted && batch >= this.#adoptBatch) {
      this.#adopted = true;
      this.#checkEstablished();
    }
    this.#advanceCommit();
  }

  onHistory(to: ServerId, attempt: number, result: HistoryResult): void {
    const learner = this.#current(to, attempt);
    if (learner?.stage === 'history') this.#sender.onHistory(learner, result);
  }

  onSnapshotSent(to: ServerId, attempt: number, zxid: Zxid | undefined): void {
    const learner = this.#current(to, attempt);
    if (learner?.stage !== 'snapshot') return;
    learner.lastHeard = this.#ctx.now;
    if (zxid === undefined) this.#drop(learner);
    else this.#sender.onSnapshotSent(learner, zxid);
  }

  onSnapshotProgress(peer: ServerId, attempt: number): void {
    const learner = this.#current(peer, attempt);
    if (learner !== undefined) learner.lastHeard = this.#ctx.now;
    if (!this.serving) this.#deadline = this.#ctx.now + this.#ctx.ticks.sync;
  }

  /** Stop in good order: no new writes; once everything is committed, the others are told to elect. */
  retire(): void {
    this.#leaving = true;
    if (!this.serving) this.#leave();
  }

  /** What a turn gathered goes out: blocks, commits, read barriers. */
  flush(): void {
    this.#advanceCommit();
    if (this.serving && this.#guests.admit(this.#learners.values(), this.#epoch)) this.#proposeNothing();
    if (this.#phase !== 'discovery') for (const learner of this.#learners.values()) this.#sender.pump(learner);
    if (!this.serving) return;
    if (this.#ctx.planted('read-without-quorum')) this.#barriers.openNext(this.#ctx.committed);
    else if (this.#barriers.openNext(this.#ctx.committed)) this.#pingAll();
    this.#serveReads();
    this.#sender.sendCommits(this.#learners.values());
    if (this.#leaving && sameZxid(this.#ctx.committed, this.#ctx.last)) this.#leave();
  }

  end(): void {
    for (const ticket of this.#barriers.end()) this.#ctx.outbox.refuse(ticket, 'noQuorum');
    for (const learner of this.#learners.values()) {
      this.#ctx.outbox.send(learner.id, { kind: 'refuse', attempt: learner.attempt });
    }
    this.#learners.clear();
  }

  #leave(): void {
    for (const learner of this.#learners.values()) {
      this.#ctx.outbox.send(learner.id, { kind: 'leaving', attempt: learner.attempt });
    }
    this.#ctx.retired = true;
    this.#ctx.look('stopping');
  }

  #current(id: ServerId, attempt: number): LearnerProgress | undefined {
    const learner = this.#learners.get(id);
    return learner?.attempt === attempt ? learner : undefined;
  }

  #drop(learner: LearnerProgress): void {
    this.#learners.delete(learner.id);
    this.#ctx.outbox.send(learner.id, { kind: 'refuse', attempt: learner.attempt });
  }

  #onFollowerInfo(from: ServerId, message: FollowerInfo): void {
    this.#ctx.epochSeen = Math.max(this.#ctx.epochSeen, message.acceptedEpoch);
    if (this.#epoch !== 0 && message.acceptedEpoch > this.#epoch) {
      // It has promised a later epoch and can never follow this one.
      this.#ctx.look('a learner has promised a later epoch');
      return;
    }
    // Sent again because the answer was slow: the attempt is the same, and under way.
    if (this.#current(from, message.attempt) !== undefined) return;
    const learner = new LearnerProgress(from, message.attempt, message.standing, message.acceptedEpoch, this.#ctx.now);
    if (this.#isGuest(learner)) this.#guests.receive(learner);
    this.#learners.set(from, learner);
    if (this.#epoch === 0) this.#chooseEpoch();
    else this.#sendLeaderInfo(learner);
  }

  /** Phase 1: with a quorum of followers, the next epoch begins; this server promises it first, durably, before anyone hears of it. */
  #chooseEpoch(): void {
    const counted = [...this.#learners.values()].filter((learner) => this.#counts(learner));
    if (counted.length + 1 < this.#ctx.voters.quorum || this.#waitsForFounders()) return;
    this.#epoch = Math.max(this.#ctx.acceptedEpoch, this.#ctx.epochSeen) + 1;
    this.#promiseBatch = this.#ctx.promise(this.#epoch);
    for (const learner of this.#learners.values()) this.#sendLeaderInfo(learner);
  }

  #sendLeaderInfo(learner: LearnerProgress): void {
    const { attempt } = learner;
    const messages: Message[] = [{ kind: 'leaderInfo', attempt, epoch: this.#epoch }];
    if (learner.standing === 'fresh' && !learner.guest) {
      messages.unshift({ kind: 'newLeader', attempt, epoch: 0, zxid: ZXID_ZERO });
    }
    for (const message of messages) {
      if (this.#ctx.planted('promise-before-durable')) this.#ctx.outbox.send(learner.id, message);
      else this.#ctx.outbox.release(learner.id, message);
    }
  }

  /** In a cluster without any history whoever is there founds it; those who come later are guests first, so a little patience is worth its while. */
  #waitsForFounders(): boolean {
    const { now, reachable, ticks } = this.#ctx;
    if (this.#electedWith.epoch > 0 || now >= this.#deadline - ticks.election / 2) return false;
    return [...reachable].some((peer) => !this.#learners.has(peer));
  }

  /** Damaged, or fresh and not a founder: it may have lost a promise. */
  #isGuest(learner: LearnerProgress): boolean {
    const isRuleOff = this.#ctx.planted('empty-folder-votes') || this.#ctx.planted('guest-counts-at-once');
    if (learner.standing === 'damaged') return !this.#ctx.planted('damaged-counts-at-once');
    if (learner.standing !== 'fresh' || isRuleOff) return false;
    return this.#epoch !== 0 || !this.#counts(learner);
  }

  #counts(learner: LearnerProgress): boolean {
    return countsFor(learner.standing, this.#electedWith.epoch) || this.#ctx.planted('empty-folder-votes');
  }

  #onAckEpoch(learner: LearnerProgress, message: AckEpoch): void {
    if (learner.stage !== 'info' || message.epoch !== this.#epoch) return;
    learner.lastZxid = message.lastZxid;
    // A fresh one that did not promise takes itself for a guest, and so it is one.
    if (learner.standing === 'fresh' && !message.counts && !learner.guest) this.#guests.receive(learner);
    if (this.#phase === 'discovery' && this.#counts(learner)) {
      const theirs: Vote = { leader: this.#ctx.id, epoch: message.currentEpoch, zxid: message.lastZxid };
      if (compareHistories(theirs, this.#electedWith) > 0 && !this.#ctx.planted('skip-history-check')) {
        this.#ctx.look('a learner has a better history');
        return;
      }
    }
    learner.stage = 'promised';
    learner.promiseCounts = message.counts;
    if (this.#phase === 'discovery') this.#checkPromises();
    else this.#sender.begin(learner);
  }

  #checkPromises(): void {
    if (this.#phase !== 'discovery' || !this.#promised) return;
    const promised = [...this.#learners.values()].filter((learner) => learner.stage === 'promised');
    const counted = promised.filter((learner) => this.#counts(learner) && !learner.guest && learner.promiseCounts);
    if (counted.length + 1 < this.#ctx.voters.quorum) return;
    this.#phase = 'synchronisation';
    this.#deadline = this.#ctx.now + this.#ctx.ticks.sync;
    this.#adoptBatch = this.#ctx.adopt(this.#epoch);
    for (const learner of promised) this.#sender.begin(learner);
  }

  #onAckNewLeader(learner: LearnerProgress, message: AckNewLeader): void {
    if (message.epoch !== this.#epoch || !learner.newLeaderSent) return;
    learner.onDurable(message.zxid);
    this.#guests.onAckNewLeader(learner, message.zxid);
    if (learner.synced) return;
    learner.synced = true;
    if (this.#ctx.planted('broadcast-only-to-synced')) learner.sent = this.#ctx.last;
    if (this.serving) this.#sendUpToDate(learner);
    else this.#checkEstablished();
  }

  /** Phase 2 ends: a quorum holds this history durably, so all of it is committed, and the leader serves. */
  #checkEstablished(): void {
    if (this.#phase !== 'synchronisation' || !this.#adopted) return;
    if (this.#voting().length + 1 < this.#ctx.voters.quorum && !this.#ctx.planted('serve-without-quorum')) return;
    this.#phase = 'broadcast';
    this.#ctx.commitTo(this.#ctx.last);
    for (const learner of this.#learners.values()) if (learner.synced) this.#sendUpToDate(learner);
    if (this.#leaving) this.#leave();
  }

  #sendUpToDate(learner: LearnerProgress): void {
    learner.committedSent = this.#ctx.committed;
    this.#ctx.outbox.send(learner.id, { kind: 'upToDate', attempt: learner.attempt, committed: this.#ctx.committed });
  }

  #onAck(learner: LearnerProgress, message: Ack): void {
    if (!this.serving) this.#deadline = this.#ctx.now + this.#ctx.ticks.sync;
    assert(compareZxid(message.zxid, this.#ctx.last) <= 0, 'a learner acknowledged what was never sent');
    learner.onDurable(message.zxid);
    if (this.#ctx.planted('ack-counts-as-new-leader-ack') && learner.newLeaderSent && !learner.synced) {
      learner.synced = true;
      this.#checkEstablished();
    }
  }

  /** Phase 3: what a quorum holds durably is committed. Only this epoch's blocks: older ones are, since the epoch was established. */
  #advanceCommit(): void {
    if (!this.serving) return;
    const durable = [this.#ctx.planted('leader-counts-undurable') ? this.#ctx.last : this.#ctx.durable];
    for (const learner of this.#learners.values()) {
      if (learner.synced && !learner.guest) durable.push(learner.durable);
    }
    const { quorum } = this.#ctx.voters;
    const needed = this.#ctx.planted('commit-without-quorum') ? 1 : quorum;
    if (durable.length < needed) return;
    durable.sort((a, b) => compareZxid(b, a));
    const candidate = durable[needed - 1]!;
    if (candidate.epoch === this.#epoch) this.#ctx.commitTo(candidate);
  }

  #pingAll(): void {
    this.#pingAt = this.#ctx.now + this.#ctx.ticks.heartbeat;
    for (const learner of this.#learners.values()) {
      if (!learner.synced) continue;
      const { attempt } = learner;
      learner.committedSent = maxZxid(learner.committedSent, this.#committedFor(learner));
      this.#ctx.outbox.send(learner.id, {
        kind: 'ping',
        attempt,
        barrier: this.#barriers.newest,
        committed: learner.committedSent,
      });
    }
  }

  /** A learner is told of commits only up to what it was sent. */
  #committedFor(learner: LearnerProgress): Zxid {
    return compareZxid(this.#ctx.committed, learner.sent) <= 0 ? this.#ctx.committed : learner.committedSent;
  }

  #serveReads(): void {
    const anyone = this.#ctx.planted('read-without-quorum');
    const answered = (barrier: number): number => (anyone ? Infinity : this.#answered(barrier));
    for (const barrier of this.#barriers.passed(answered, this.#ctx.voters.quorum)) {
      for (const ticket of barrier.tickets) this.#ctx.outbox.reads.push({ ticket, zxid: barrier.zxid });
      for (const { from, attempt, request } of barrier.remote) {
        this.#ctx.outbox.send(from, { kind: 'readReply', attempt, request, zxid: barrier.zxid });
      }
    }
  }

  #answered(barrier: number): number {
    return 1 + this.#voting().filter((learner) => learner.barrier >= barrier).length;
  }

  /** How many servers, this one included, are synchronised and were heard from since `tick`. */
  #heardFrom(tick: number): number {
    return 1 + this.#voting().filter((learner) => learner.lastHeard > tick).length;
  }
}
