import { endOf, endsAfter, follows, type Block } from './block.js';
import type { CoreContext } from './core-context.js';
import type {
  AckEpoch,
  Append,
  Commit,
  LeaderInfo,
  Leaving,
  NewLeader,
  Ping,
  ReadReply,
  Refuse,
  Sync,
  UpToDate,
} from './messages.js';
import type { ServerId } from './server-id.js';
import { compareZxid, minZxid, sameZxid, type Zxid } from './zxid.js';

/** What a leader sends to a learner. */
export type FromLeader =
  LeaderInfo | Sync | Append | NewLeader | UpToDate | Commit | Ping | ReadReply | Leaving | Refuse;

/**
 * A server that follows: phases 1 to 3 from the learner's side (ZooKeeper's Learner and Follower). It holds one attempt; whatever
 * goes wrong ends the attempt, and the server looks again.
 */
export class Learner {
  readonly kind = 'following';
  readonly leader: ServerId;
  readonly attempt: number;
  readonly #ctx: CoreContext;
  #phase: 'discovery' | 'synchronisation' | 'broadcast' = 'discovery';
  #epoch = 0;
  /** Up to here this log is known to be the leader's. Commits are taken only up to it: what lies beyond may yet be cut off. */
  #matched: Zxid | undefined;
  /** The leader takes this fresh server for one of those with whom the cluster begins. */
  #isFounder = false;
  /** Fixed when the epoch is heard of: a repair of an earlier attempt may become durable in the middle of this one (simulation of nodes, seed 10152). */
  #cameAsGuest = false;
  /** Up to here this guest acknowledged NEWLEADER without adopting the epoch. */
  #guestAt: Zxid | undefined;
  #deadline: number;
  /** When the leader was heard of last, while this server serves. */
  #heardAt: number;
  #infoAt: number;
  #ackDue = false;
  /** A snapshot was installed under this attempt. */
  #hasSnapshot = false;
  #waiting: number[] = [];
  #asked: { request: number; tickets: number[]; expires: number }[] = [];
  #request = 0;

  constructor(ctx: CoreContext, leader: ServerId) {
    this.#ctx = ctx;
    this.leader = leader;
    this.attempt = ctx.nextAttempt();
    this.#deadline = ctx.now + ctx.ticks.election;
    this.#heardAt = ctx.now;
    this.#infoAt = ctx.now + ctx.ticks.resendMin;
  }

  get serving(): boolean {
    return this.#phase === 'broadcast';
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** True while a snapshot for this attempt would be welcome. */
  get awaitsSnapshot(): boolean {
    return this.#phase === 'synchronisation' && this.#matched === undefined;
  }

  start(): void {
    this.#sendInfo();
  }

  onTick(): void {
    const { now, ticks } = this.#ctx;
    if (now >= this.#deadline) {
      this.#ctx.look(this.serving ? 'the leader is silent' : 'synchronisation makes no progress');
      return;
    }
    // The one elected may learn of it a little later than its followers, and a message to it may have been lost.
    if (this.#phase === 'discovery' && this.#epoch === 0 && now >= this.#infoAt) {
      this.#infoAt = now + ticks.resendMin;
      this.#sendInfo();
    }
    this.#expireReads();
  }

  /**
   * Another server looks for a leader. One that has not heard of its own for the shortest election timeout looks with it, and does not wait for the
   * end of its own: so a frozen leader is replaced when the first of a quorum has noticed, not the last. One that hears its leader stays.
   *
   * @returns True when it looks too.
   */
  onLooking(): boolean {
    if (!this.serving || this.#ctx.now - this.#heardAt < this.#ctx.ticks.election) return false;
    this.#ctx.look('the leader is silent, and another server looks for one');
    return true;
  }

  onPeerLost(peer: ServerId): void {
    if (peer === this.leader) this.#ctx.look('the connection to the leader ended');
  }

  onMessage(from: ServerId, message: FromLeader): void {
    if (from !== this.leader) return;
    if (message.attempt !== this.attempt && !this.#ctx.planted('accept-stale-attempts')) return;
    switch (message.kind) {
      case 'leaderInfo':
        return this.#onLeaderInfo(message);
      case 'sync':
        return this.#onSync(message);
      case 'append':
        return this.#onAppend(message);
      case 'newLeader':
        return this.#onNewLeader(message);
      case 'upToDate':
        return this.#onUpToDate(message);
      case 'commit':
        this.#alive();
        return this.#commit(message.committed);
      case 'ping':
        return this.#onPing(message);
      case 'readReply':
        return this.#onReadReply(message);
      case 'leaving':
        return this.#ctx.look('the leader stops');
      case 'refuse':
        return this.#ctx.look('the server asked to lead does not');
    }
  }

  onRead(ticket: number): void {
    if (this.serving) this.#waiting.push(ticket);
    else this.#ctx.outbox.refuse(ticket, 'noQuorum');
  }

  onSnapshotProgress(from: ServerId, attempt: number): void {
    const told = this.#ctx.planted('snapshot-progress-misread') ? from : attempt;
    if (from === this.leader && told === this.attempt) this.#progress();
  }

  /** The log was replaced under this attempt: only the one that asked for it can go on. */
  onSnapshotInstalled(attempt: number): void {
    if (attempt !== this.attempt || !this.awaitsSnapshot) {
      this.#ctx.look('a snapshot replaced the log');
      return;
    }
    this.#hasSnapshot = true;
    this.#progress();
  }

  /** What a turn gathered: one cumulative ack, one request for all reads that wait. */
  flush(): void {
    if (this.#ackDue) {
      this.#ackDue = false;
      const ack = { kind: 'ack', attempt: this.attempt, zxid: this.#ctx.last } as const;
      if (this.#ctx.planted('ack-before-durable')) this.#ctx.outbox.send(this.leader, ack);
      else this.#ctx.outbox.release(this.leader, ack);
    }
    if (this.#waiting.length === 0) return;
    const request = ++this.#request;
    this.#asked.push({ request, tickets: this.#waiting, expires: this.#ctx.now + this.#ctx.ticks.election });
    this.#waiting = [];
    this.#ctx.outbox.send(this.leader, { kind: 'readRequest', attempt: this.attempt, request });
  }

  end(): void {
    for (const ticket of this.#waiting) this.#ctx.outbox.refuse(ticket, 'noQuorum');
    for (const { tickets } of this.#asked) this.#refuseAll(tickets);
    this.#waiting = [];
    this.#asked = [];
  }

  #sendInfo(): void {
    const { acceptedEpoch, standing } = this.#ctx;
    this.#ctx.outbox.send(this.leader, { kind: 'followerInfo', attempt: this.attempt, acceptedEpoch, standing });
  }

  #onLeaderInfo(message: LeaderInfo): void {
    if (this.#phase !== 'discovery' || this.#epoch !== 0) return;
    // A guest keeps no promise, but its log tells of epochs that have begun.
    if (message.epoch < Math.max(this.#ctx.acceptedEpoch, this.#ctx.last.epoch)) {
      this.#ctx.look('the leader has an older epoch than was promised');
      return;
    }
    this.#cameAsGuest = this.#isGuest;
    const counts = message.epoch > this.#ctx.acceptedEpoch && !this.#cameAsGuest;
    if (counts) this.#ctx.promise(message.epoch);
    this.#epoch = message.epoch;
    this.#phase = 'synchronisation';
    this.#progress();
    const ack: AckEpoch = {
      kind: 'ackEpoch',
      attempt: this.attempt,
      epoch: message.epoch,
      counts: counts || (this.#ctx.planted('promise-twice') && this.#ctx.standing === 'voter'),
      currentEpoch: this.#ctx.currentEpoch,
      lastZxid: this.#ctx.last,
      standing: this.#ctx.standing,
    };
    if (this.#ctx.planted('promise-before-durable')) this.#ctx.outbox.send(this.leader, ack);
    else this.#ctx.outbox.release(this.leader, ack);
  }

  /**
   * A fresh server that the leader does not take for a founder: its promise counts for nothing, and is not kept. So a promise on disk tells the server that was there when the
   * cluster began from the one that lost its disk: 1. of three fresh servers two promise epoch 1; 2. one of them adopts it, and all crash; 3. the
   * other must count, or no quorum ever counts again (simulation, seed 6).
   *
   * So is a damaged one: what it lost may have been its promises, and what it finds of them in its log is only the least that they can have been (story
   * lost-promise-does-not-help-an-old-leader).
   */
  get #isGuest(): boolean {
    if (this.#ctx.standing === 'damaged') return !this.#ctx.planted('damaged-counts-at-once');
    if (this.#ctx.planted('empty-folder-votes') || this.#ctx.planted('guest-counts-at-once')) return false;
    return this.#ctx.standing === 'fresh' && !this.#isFounder;
  }

  get #isSynchronised(): boolean {
    return this.#ctx.currentEpoch === this.#epoch || this.#guestAt !== undefined;
  }

  #onSync(message: Sync): void {
    if (this.#phase !== 'synchronisation' || this.#matched !== undefined) return;
    // A snapshot has a connection of its own. It overtakes a TRUNC that the leader sent before it found that what follows on that was purged; what
    // that says is about a log that is no more (simulation, seed 9027933).
    if (this.#hasSnapshot && message.mode !== 'snap') return;
    this.#progress();
    if (message.mode === 'trunc' && this.#cameAsGuest && compareZxid(message.zxid, this.#ctx.committed) < 0) {
      // A guest may happen upon a leader whose epoch is over, having promised nothing. Anybody else is beyond that (simulation, seed 25232).
      this.#ctx.look('a leader whose epoch is over');
      return;
    }
    const keepsTail = this.#ctx.planted('sync-keeps-tail');
    if (message.mode === 'trunc' && !keepsTail) this.#ctx.truncateTo(message.zxid);
    if (!keepsTail && !sameZxid(this.#ctx.last, message.zxid)) {
      this.#ctx.look('the log ends elsewhere than the leader was told');
      return;
    }
    this.#matched = message.zxid;
  }

  #onAppend(message: Append): void {
    if (this.#matched === undefined) return;
    this.#progress();
    for (const block of message.blocks) {
      if (!this.#take(block)) return;
    }
    this.#commit(message.committed);
  }

  /** False when the block leaves a gap. One that came before (by sync and by broadcast) is passed over. */
  #take(block: Block): boolean {
    if (!endsAfter(block, this.#matched!)) return true;
    if (!follows(block, this.#matched!) && !this.#ctx.planted('skip-gap-check')) {
      this.#ctx.look('a gap between the blocks that came');
      return false;
    }
    this.#ctx.append(block);
    this.#matched = endOf(block);
    this.#ackDue = true;
    return true;
  }

  /** History durable, then the epoch, then the ack: the order of the parts of a persist batch. */
  #onNewLeader(message: NewLeader): void {
    if (message.epoch === 0) {
      this.#isFounder = true;
      return;
    }
    if (this.#matched === undefined || message.epoch !== this.#epoch) return;
    if (compareZxid(this.#matched, message.zxid) < 0) {
      this.#ctx.look('the history that the epoch starts from did not come whole');
      return;
    }
    this.#progress();
    // A guest takes the first NEWLEADER for a welcome, and a later one, which covers more, for its admission.
    if (!this.#cameAsGuest || (this.#guestAt !== undefined && compareZxid(message.zxid, this.#guestAt) > 0)) {
      this.#ctx.adopt(message.epoch, this.#cameAsGuest);
    } else {
      this.#guestAt = message.zxid;
    }
    const { attempt } = this;
    const ack = { kind: 'ackNewLeader', attempt, epoch: message.epoch, zxid: message.zxid } as const;
    if (this.#ctx.planted('ack-new-leader-before-durable')) this.#ctx.outbox.send(this.leader, ack);
    else this.#ctx.outbox.release(this.leader, ack);
  }

  #onUpToDate(message: UpToDate): void {
    if (!this.#isSynchronised || this.#matched === undefined) return;
    this.#phase = 'broadcast';
    this.#alive();
    this.#commit(message.committed);
  }

  #onPing(message: Ping): void {
    // Until it is synchronised only progress counts: a leader that pings and never gets on with it is left.
    if (!this.#isSynchronised) return;
    this.#progress();
    this.#commit(message.committed);
    this.#ctx.outbox.send(this.leader, { kind: 'pong', attempt: this.attempt, barrier: message.barrier });
  }

  #onReadReply(message: ReadReply): void {
    while (this.#asked.length > 0 && this.#asked[0]!.request <= message.request) {
      const { request, tickets } = this.#asked.shift()!;
      if (request < message.request) this.#refuseAll(tickets);
      else for (const ticket of tickets) this.#ctx.outbox.reads.push({ ticket, zxid: message.zxid });
    }
  }

  #commit(committed: Zxid): void {
    if (this.#ctx.planted('commit-beyond-matched')) this.#ctx.commitTo(committed);
    else if (this.#matched !== undefined) this.#ctx.commitTo(minZxid(committed, this.#matched));
  }

  #expireReads(): void {
    while (this.#asked.length > 0 && this.#asked[0]!.expires <= this.#ctx.now) {
      this.#refuseAll(this.#asked.shift()!.tickets);
    }
  }

  #refuseAll(tickets: readonly number[]): void {
    for (const ticket of tickets) this.#ctx.outbox.refuse(ticket, 'noQuorum');
  }

  #progress(): void {
    if (this.serving) this.#alive();
    else this.#deadline = this.#ctx.now + this.#ctx.ticks.sync;
  }

  #alive(): void {
    if (!this.serving) return;
    this.#heardAt = this.#ctx.now;
    this.#deadline = this.#ctx.now + this.#electionWait();
  }

  #electionWait(): number {
    return this.#ctx.jittered(this.#ctx.ticks.election);
  }
}
