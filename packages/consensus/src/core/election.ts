import type { CoreContext } from './core-context.js';
import type { Notification, Standing, Vote } from './messages.js';
import type { ServerId } from './server-id.js';
import { compareZxid, ZXID_ZERO } from './zxid.js';

interface Ballot {
  readonly vote: Vote;
  readonly standing: Standing;
}

const NO_VOTE: Vote = { leader: 0, epoch: 0, zxid: ZXID_ZERO };

/** Positive when `a` is the better vote: the later epoch, then the longer log, then the greater id. No vote is worse than any. */
export function compareVotes(a: Vote, b: Vote): number {
  if (a.leader === 0 || b.leader === 0) return a.leader - b.leader;
  return a.epoch - b.epoch || compareZxid(a.zxid, b.zxid) || a.leader - b.leader;
}

/** Positive when `a` stands for the better history: the id, which only breaks ties between candidates, aside. */
export function compareHistories(a: Vote, b: Vote): number {
  return a.epoch - b.epoch || compareZxid(a.zxid, b.zxid);
}

/**
 * Phase 0: fast leader election. Each server votes for the best history it has heard of; when a quorum holds the same vote, the
 * one voted for leads. A server that already follows or leads answers with the leader it has, so one that returns joins
 * without disturbing anybody. Source: ZooKeeper's FastLeaderElection; zab.md, phase 0.
 */
export class Election {
  readonly kind = 'looking';
  readonly #ctx: CoreContext;
  #round: number;
  #vote: Vote;
  readonly #own: Vote;
  readonly #ballots = new Map<ServerId, Ballot>();
  #decideAt: number | undefined;
  #resendWait: number;
  #resendAt: number;

  /** `round`: the last round this server was in. */
  constructor(ctx: CoreContext, round: number) {
    this.#ctx = ctx;
    this.#round = round + 1;
    this.#own = this.#initialVote();
    this.#vote = this.#own;
    this.#resendWait = ctx.ticks.resendMin;
    this.#resendAt = ctx.now + this.#resendWait;
  }

  get round(): number {
    return this.#round;
  }

  get vote(): Vote {
    return this.#vote;
  }

  #initialVote(): Vote {
    if (this.#ctx.standing === 'damaged') return NO_VOTE;
    if (this.#ctx.planted('elect-by-id')) return { leader: this.#ctx.id, epoch: 0, zxid: ZXID_ZERO };
    return { leader: this.#ctx.id, epoch: this.#ctx.currentEpoch, zxid: this.#votedZxid() };
  }

  /** ZOOKEEPER-2845: what counts is what is logged, applied or not. */
  #votedZxid() {
    return this.#ctx.planted('vote-with-committed') ? this.#ctx.committed : this.#ctx.last;
  }

  start(): void {
    if (this.#ctx.retired) return;
    this.#broadcast();
    this.#check();
  }

  onTick(): void {
    if (this.#ctx.retired) return;
    if (this.#decideAt !== undefined && this.#ctx.now >= this.#decideAt) {
      this.#decideAt = undefined;
      if (this.#hasQuorum()) return this.#decide();
    }
    if (this.#ctx.now < this.#resendAt) return;
    this.#resendWait = Math.min(this.#resendWait * 2, this.#ctx.ticks.resendMax);
    this.#broadcast();
  }

  onPeerUp(peer: ServerId): void {
    if (!this.#ctx.retired) this.#sendTo(peer);
  }

  onPeerLost(peer: ServerId): void {
    if (this.#ctx.retired) return;
    this.#ballots.delete(peer);
    // A vote for somebody who is gone elects nobody: begin again, in a round of its own, so that old ballots do not count.
    if (this.#vote.leader === peer) this.#enterRound(this.#round + 1, this.#own);
    else this.#check();
  }

  onNotification(from: ServerId, message: Notification): void {
    if (this.#ctx.retired) return;
    if (message.state === 'looking') this.#onLooking(from, message);
    else if (this.#ctx.planted('election-ignores-leaders')) return;
    else if (message.state === 'leading') this.#onLeading(from, message);
    // A follower's word is a hint: ask the leader that it names, whose own word alone counts.
    else if (message.vote.leader !== this.#ctx.id) this.#sendTo(message.vote.leader);
  }

  #onLooking(from: ServerId, message: Notification): void {
    if (message.round < this.#round) {
      this.#sendTo(from);
      return;
    }
    this.#ballots.set(from, { vote: message.vote, standing: message.standing });
    if (message.round > this.#round) {
      this.#enterRound(message.round, better(message.vote, this.#own), from, message);
    } else if (compareVotes(message.vote, this.#vote) > 0) {
      this.#vote = message.vote;
      this.#broadcast();
      this.#check();
    } else {
      // It began to look after this server's vote went out, and would else hear of it only when that is sent again.
      if (compareVotes(message.vote, this.#vote) < 0) this.#sendTo(from);
      this.#check();
    }
  }

  /**
   * Join only a leader that says so itself, and whose history is not poorer than one's own (it may still be finding its quorum). An equal
   * history is good enough, whatever the ids: else a server with a higher id could not come back before the next write (simulation, seed 15).
   */
  #onLeading(from: ServerId, message: Notification): void {
    this.#ballots.delete(from);
    if (message.vote.leader === from && compareHistories(message.vote, this.#own) >= 0) {
      this.#ctx.become({ to: 'following', leader: from });
    }
  }

  #enterRound(round: number, vote: Vote, from?: ServerId, message?: Notification): void {
    this.#round = round;
    this.#vote = vote;
    this.#ballots.clear();
    if (from !== undefined && message !== undefined) {
      this.#ballots.set(from, { vote: message.vote, standing: message.standing });
    }
    this.#resendWait = this.#ctx.ticks.resendMin;
    this.#broadcast();
    this.#check();
  }

  #check(): void {
    if (!this.#hasQuorum()) {
      this.#decideAt = undefined;
      return;
    }
    if (this.#allReachableAgree()) this.#decide();
    else this.#decideAt ??= this.#ctx.now + this.#ctx.ticks.settle;
  }

  /**
   * The others may still hold votes for what this server was before it lost its disk, or part of it: it must not lead on those. A new round makes all vote
   * anew. (Simulation, seed 20098; the history check of discovery would catch a fresh one, but a damaged one might pass for what it was.)
   */
  #decide(): void {
    const { leader } = this.#vote;
    const isGhost = leader === this.#ctx.id && compareVotes(this.#vote, this.#own) !== 0;
    if (isGhost && !this.#ctx.planted('lead-on-a-ghost-vote')) return this.#enterRound(this.#round + 1, this.#own);
    this.#ctx.become(leader === this.#ctx.id ? { to: 'leading' } : { to: 'following', leader });
  }

  /** A quorum holds this vote, and the one voted for is part of it. */
  #hasQuorum(): boolean {
    const { leader } = this.#vote;
    if (leader === 0) return false;
    const own = this.#counts(this.#ctx.standing) ? 1 : 0;
    let supporters = own;
    let leaderVotes = leader === this.#ctx.id;
    for (const [id, ballot] of this.#ballots) {
      if (compareVotes(ballot.vote, this.#vote) !== 0) continue;
      if (id === leader) leaderVotes = true;
      if (this.#counts(ballot.standing)) supporters++;
    }
    return leaderVotes && supporters >= this.#ctx.voters.quorum;
  }

  #counts(standing: Standing): boolean {
    return countsFor(standing, this.#vote.epoch) || this.#ctx.planted('empty-folder-votes');
  }

  #allReachableAgree(): boolean {
    for (const peer of this.#ctx.reachable) {
      const ballot = this.#ballots.get(peer);
      if (ballot === undefined || compareVotes(ballot.vote, this.#vote) !== 0) return false;
    }
    return true;
  }

  #broadcast(): void {
    this.#resendAt = this.#ctx.now + this.#resendWait;
    for (const peer of this.#ctx.voters.others(this.#ctx.id)) this.#sendTo(peer);
  }

  #sendTo(peer: ServerId): void {
    this.#ctx.outbox.send(peer, {
      kind: 'notification',
      state: 'looking',
      round: this.#round,
      vote: this.#vote,
      standing: this.#ctx.standing,
    });
  }
}

/** Whether a server of this standing counts towards a quorum for a history of this epoch (0: nobody has any). See `Standing`. */
export function countsFor(standing: Standing, epoch: number): boolean {
  return standing === 'voter' || (standing === 'fresh' && epoch === 0);
}

function better(a: Vote, b: Vote): Vote {
  return compareVotes(a, b) > 0 ? a : b;
}
