import { assertNever } from './assert.js';
import type { HistoryResult, Input, Ready, Status } from './core-io.js';
import { CoreContext, type CoreOptions, type CoreRecovery, type Transition } from './core-context.js';
import { Election } from './election.js';
import { Leader, type FromLearner } from './leader.js';
import { Learner } from './learner.js';
import type { FollowerInfo, Message, Notification, Standing } from './messages.js';
import type { ServerId } from './server-id.js';
import type { Zxid } from './zxid.js';

/** What a leader knows of a peer. */
export interface PeerProgress {
  readonly id: ServerId;
  readonly synced: boolean;
  /** False for one that came without its memory, until the others have committed a write that was proposed after it came. */
  readonly counts: boolean;
  readonly durable: Zxid;
  readonly lagBytes: number;
}

/**
 * One server's part in ZAB, as a function: `step(input)` any number of times, then one `takeReady()`, which holds all the work that these
 * inputs caused. It knows no clock, no socket and no disk, keeps no promise, and given the same inputs and the same `random` it does the same.
 */
export class ConsensusCore {
  readonly #ctx: CoreContext;
  #role: Election | Learner | Leader;
  #round = 0;
  #status: Status;
  #retiring = false;
  #lookingBecause = 'starting';
  /** From servers that elected this one before it knew. */
  readonly #early = new Map<ServerId, FollowerInfo>();

  constructor(options: CoreOptions, recovery: CoreRecovery) {
    this.#ctx = new CoreContext(options, recovery);
    this.#role = new Election(this.#ctx, this.#round);
    this.#status = this.#currentStatus();
    this.#role.start();
    this.#changeRoles();
  }

  get status(): Status {
    return this.#status;
  }

  get last(): Zxid {
    return this.#ctx.last;
  }

  get durable(): Zxid {
    return this.#ctx.durable;
  }

  get committed(): Zxid {
    return this.#ctx.committed;
  }

  get standing(): Standing {
    return this.#ctx.standing;
  }

  get acceptedEpoch(): number {
    return this.#ctx.acceptedEpoch;
  }

  get currentEpoch(): number {
    return this.#ctx.currentEpoch;
  }

  /** Why this server last began to look for a leader, for logs. */
  get lookingBecause(): string {
    return this.#lookingBecause;
  }

  /** What this leader knows of its peers; empty elsewhere. */
  get peers(): PeerProgress[] {
    if (!(this.#role instanceof Leader)) return [];
    return [...this.#role.learners.values()].map((learner) => ({
      id: learner.id,
      synced: learner.synced,
      counts: learner.synced && !learner.guest,
      durable: learner.durable,
      lagBytes: this.#ctx.window.bytesAfter(learner.durable),
    }));
  }

  /**
   * Memory holds the log after this zxid. What is on disk up to here is the log; what is on disk after it may be a tail that is about to be
   * cut off. So whoever applies from disk notes the lesser of this and of what is committed before it begins to read, and applies no
   * further: 1. a learner's log ends in blocks that nobody else has; 2. its leader cuts them off, sends others, and says that these are committed;
   * 3. while the cut is on its way to the disk, the state machine, which is behind, reads the old blocks. (Simulation, seed 7.)
   */
  get memoryStart(): Zxid {
    return this.#ctx.window.base;
  }

  /** Committed blocks that follow on `after`, from memory: for applying. */
  blocksAfter(after: Zxid, maxBytes: number): HistoryResult {
    return this.#ctx.window.read(after, maxBytes);
  }

  /** Whether a snapshot from this server, for this attempt, would be installed. */
  awaitsSnapshot(from: ServerId, attempt: number): boolean {
    const role = this.#role;
    return role instanceof Learner && role.leader === from && role.attempt === attempt && role.awaitsSnapshot;
  }

  /** Whether this leader synchronises that learner, in that attempt. */
  isSynchronising(learner: ServerId, attempt: number): boolean {
    if (!(this.#role instanceof Leader)) return false;
    const progress = this.#role.learners.get(learner);
    return progress?.attempt === attempt && !progress.synced;
  }

  step(input: Input): void {
    this.#dispatch(input);
    this.#changeRoles();
  }

  takeReady(): Ready {
    if (this.#role instanceof Leader || this.#role instanceof Learner) this.#role.flush();
    this.#changeRoles();
    const status = this.#currentStatus();
    const changed = !sameStatus(status, this.#status);
    this.#status = status;
    const { outbox } = this.#ctx;
    const committed = this.#ctx.committedMoved ? this.#ctx.committed : undefined;
    this.#ctx.committedMoved = false;
    return {
      status: changed ? status : undefined,
      send: outbox.takeSend(),
      persist: outbox.takePersist(),
      committed,
      ...outbox.takeLists(),
      retired: this.#ctx.retired,
    };
  }

  #dispatch(input: Input): void {
    const role = this.#role;
    switch (input.kind) {
      case 'tick':
        this.#ctx.now++;
        return role.onTick();
      case 'message':
        return this.#onMessage(input.from, input.message);
      case 'peerUp':
        this.#ctx.reachable.add(input.peer);
        if (role instanceof Election) role.onPeerUp(input.peer);
        return;
      case 'peerLost':
        this.#ctx.reachable.delete(input.peer);
        this.#early.delete(input.peer);
        return role.onPeerLost(input.peer);
      case 'propose':
        if (role instanceof Leader) role.onPropose(input);
        else this.#ctx.outbox.refuse(input.ticket, role instanceof Learner && role.serving ? 'notLeader' : 'noQuorum');
        return;
      case 'read':
        if (role instanceof Election) this.#ctx.outbox.refuse(input.ticket, 'noQuorum');
        else role.onRead(input.ticket);
        return;
      case 'persisted':
        this.#ctx.persisted(input.batch);
        if (role instanceof Leader) role.onPersisted(input.batch);
        return;
      case 'applied':
        return this.#ctx.onApplied(input.zxid);
      case 'history':
        if (role instanceof Leader) role.onHistory(input.to, input.attempt, input.result);
        return;
      case 'snapshotSent':
        if (role instanceof Leader) role.onSnapshotSent(input.to, input.attempt, input.zxid);
        return;
      case 'snapshotProgress':
        if (!(role instanceof Election)) role.onSnapshotProgress(input.peer, input.attempt);
        return;
      case 'snapshotInstalled':
        return this.#onSnapshotInstalled(input.attempt, input.zxid);
      case 'retire':
        return this.#onRetire();
      default:
        return assertNever(input, 'input');
    }
  }

  /** Who may be told what, in one place: what comes from a learner goes to a leader, what comes from a leader to its learner, and the rest is answered with a refusal. */
  #onMessage(from: ServerId, message: Message): void {
    if (from === this.#ctx.id || !this.#ctx.voters.has(from)) return;
    switch (message.kind) {
      case 'notification':
        return this.#onNotification(from, message);
      case 'followerInfo':
      case 'ackEpoch':
      case 'ackNewLeader':
      case 'ack':
      case 'pong':
      case 'readRequest':
        return this.#onFromLearner(from, message);
      case 'leaderInfo':
      case 'sync':
      case 'append':
      case 'newLeader':
      case 'upToDate':
      case 'commit':
      case 'ping':
      case 'readReply':
      case 'leaving':
      case 'refuse':
        if (this.#role instanceof Learner) this.#role.onMessage(from, message);
        return;
      default:
        return assertNever(message, 'message');
    }
  }

  #onFromLearner(from: ServerId, message: FromLearner): void {
    const role = this.#role;
    if (role instanceof Leader) return role.onMessage(from, message);
    if (role instanceof Election && message.kind === 'followerInfo' && !this.#ctx.retired) {
      this.#early.set(from, message);
      return;
    }
    this.#ctx.outbox.send(from, { kind: 'refuse', attempt: message.attempt });
  }

  #onNotification(from: ServerId, message: Notification): void {
    const role = this.#role;
    if (role instanceof Election) return role.onNotification(from, message);
    if (message.state !== 'looking') return;
    if (role instanceof Leader) role.onLooking(message);
    else if (role.onLooking()) {
      this.#changeRoles();
      return this.#onNotification(from, message);
    }
    const state = role.kind;
    const vote =
      role instanceof Leader
        ? role.vote
        : { leader: role.leader, epoch: role.epoch || this.#ctx.currentEpoch, zxid: this.#ctx.last };
    this.#ctx.outbox.send(from, {
      kind: 'notification',
      state,
      round: this.#round,
      vote,
      standing: this.#ctx.standing,
    });
  }

  #onSnapshotInstalled(attempt: number, zxid: Zxid): void {
    this.#ctx.resetTo(zxid);
    if (this.#role instanceof Learner) this.#role.onSnapshotInstalled(attempt);
    else this.#ctx.look('a snapshot replaced the log');
  }

  #onRetire(): void {
    if (this.#retiring) return;
    this.#retiring = true;
    if (this.#role instanceof Leader) return this.#role.retire();
    this.#ctx.retired = true;
    this.#ctx.look('stopping');
  }

  /** Carries out the change of role that a step asked for; a new role may at once ask for another. */
  #changeRoles(): void {
    for (let next = this.#ctx.transition; next !== undefined; next = this.#ctx.transition) {
      this.#ctx.transition = undefined;
      this.#leaveRole(next);
      this.#enterRole(next);
    }
  }

  #leaveRole(next: Transition): void {
    if (this.#role instanceof Election) {
      this.#round = this.#role.round;
    } else {
      this.#role.end();
      if (!this.#ctx.planted('keep-releases')) this.#ctx.outbox.dropReleases();
      // One that was about to leave in good order, and lost its quorum, must not lead again: it takes no writes (story a-leaver-that-loses-its-quorum).
      if (this.#retiring) this.#ctx.retired = true;
    }
    if (next.to === 'looking') this.#lookingBecause = next.why;
  }

  #enterRole(next: Transition): void {
    switch (next.to) {
      case 'looking':
        this.#role = new Election(this.#ctx, this.#round);
        return this.#role.start();
      case 'following':
        this.#refuseEarly();
        this.#role = new Learner(this.#ctx, next.leader);
        return this.#role.start();
      case 'leading':
        this.#role = new Leader(this.#ctx);
        this.#role.start();
        for (const [from, info] of this.#early) this.#role.onMessage(from, info);
        this.#early.clear();
        return;
      default:
        return assertNever(next, 'transition');
    }
  }

  #refuseEarly(): void {
    for (const [from, { attempt }] of this.#early) this.#ctx.outbox.send(from, { kind: 'refuse', attempt });
    this.#early.clear();
  }

  #currentStatus(): Status {
    const role = this.#role;
    if (role instanceof Election) {
      return { role: 'looking', serving: false, epoch: this.#ctx.currentEpoch, leader: undefined };
    }
    const { serving } = role;
    const leader = role instanceof Learner ? role.leader : this.#ctx.id;
    return {
      role: role.kind,
      serving,
      epoch: serving ? role.epoch : this.#ctx.currentEpoch,
      leader: serving ? leader : undefined,
    };
  }
}

function sameStatus(a: Status, b: Status): boolean {
  return a.role === b.role && a.serving === b.serving && a.epoch === b.epoch && a.leader === b.leader;
}
