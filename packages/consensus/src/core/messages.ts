import type { Block } from './block.js';
import type { ServerId } from './server-id.js';
import type { Zxid } from './zxid.js';

/**
 * The messages between servers, by phase. Every message between a learner and a leader carries the number of the learner's attempt
 * to follow: one that belongs to an older attempt dies in the dispatcher.
 */
export type Message =
  | Notification
  | FollowerInfo
  | LeaderInfo
  | AckEpoch
  | Sync
  | Append
  | NewLeader
  | AckNewLeader
  | UpToDate
  | Ack
  | Commit
  | Ping
  | Pong
  | ReadRequest
  | ReadReply
  | Leaving
  | Refuse;

/** A vote: who should lead, and why. Compared by epoch, then zxid, then id. */
export interface Vote {
  /** 0 is no vote. */
  readonly leader: ServerId;
  /** currentEpoch of the one voted for. */
  readonly epoch: number;
  /** The last *logged* zxid of the one voted for. */
  readonly zxid: Zxid;
}

/**
 * Whether a server's support counts. `fresh`: it never held any history, so it counts only in a cluster where nobody does; otherwise a server that lost
 * its disk could help to forget what it had acknowledged. `damaged`: part of its log, or of its promises, is unreadable; it counts for nothing until it is repaired and admitted.
 */
export type Standing = 'voter' | 'fresh' | 'damaged';

/** Phase 0. Sent while looking, to all; and by a server that follows or leads, in answer to one that looks. */
export interface Notification {
  readonly kind: 'notification';
  readonly state: 'looking' | 'following' | 'leading';
  readonly round: number;
  /** Looking: the sender's vote. Following and leading: the leader it has, and the epoch that leader established. */
  readonly vote: Vote;
  readonly standing: Standing;
}

/** Phase 1, learner to leader: I follow you. */
export interface FollowerInfo {
  readonly kind: 'followerInfo';
  readonly attempt: number;
  readonly acceptedEpoch: number;
  readonly standing: Standing;
}

/** Phase 1, leader to learner: the epoch that begins. Sent once the leader has made its own promise durable. */
export interface LeaderInfo {
  readonly kind: 'leaderInfo';
  readonly attempt: number;
  readonly epoch: number;
}

/** Phase 1, learner to leader: promised (durably), and this is my history. */
export interface AckEpoch {
  readonly kind: 'ackEpoch';
  readonly attempt: number;
  readonly epoch: number;
  /** False when this epoch was promised before: it says where to sync from, and counts for no quorum. */
  readonly counts: boolean;
  readonly currentEpoch: number;
  readonly lastZxid: Zxid;
  readonly standing: Standing;
}

/**
 * Phase 2, leader to learner: where the common history ends. `diff`: at the learner's last zxid. `trunc`: before it; drop what follows.
 * `snap`: at this zxid, after the snapshot that travels beside the messages is installed. What follows comes as Append.
 */
export interface Sync {
  readonly kind: 'sync';
  readonly attempt: number;
  readonly mode: 'diff' | 'trunc' | 'snap';
  readonly zxid: Zxid;
}

/** Phases 2 and 3, leader to learner: blocks that follow on what was sent before, and what is committed. */
export interface Append {
  readonly kind: 'append';
  readonly attempt: number;
  readonly blocks: readonly Block[];
  readonly committed: Zxid;
}

/**
 * Phase 2, leader to learner: the history up to here is the one that this epoch starts from. A fresh server in a cluster that has a history gets it twice: the
 * first welcomes it as a guest, which is served and does not count; the second admits it. One of epoch 0, ahead of LeaderInfo, tells a fresh server that it is a
 * founder: the cluster begins with this epoch, and it counts at once.
 */
export interface NewLeader {
  readonly kind: 'newLeader';
  readonly attempt: number;
  readonly epoch: number;
  readonly zxid: Zxid;
}

/** Phase 2, learner to leader: that history is durable, and so is the epoch. Not an Ack: the two were once taken for one another. */
export interface AckNewLeader {
  readonly kind: 'ackNewLeader';
  readonly attempt: number;
  readonly epoch: number;
  readonly zxid: Zxid;
}

/** Phase 2, leader to learner: serve. */
export interface UpToDate {
  readonly kind: 'upToDate';
  readonly attempt: number;
  readonly committed: Zxid;
}

/** Learner to leader, cumulative: everything up to this zxid is durable here. */
export interface Ack {
  readonly kind: 'ack';
  readonly attempt: number;
  readonly zxid: Zxid;
}

/** Phase 3, leader to learner, when no Append carries it. */
export interface Commit {
  readonly kind: 'commit';
  readonly attempt: number;
  readonly committed: Zxid;
}

/** Phase 3, leader to learner. `barrier` numbers the read barriers; the answer tells that this learner still followed when it was asked. */
export interface Ping {
  readonly kind: 'ping';
  readonly attempt: number;
  readonly barrier: number;
  readonly committed: Zxid;
}

export interface Pong {
  readonly kind: 'pong';
  readonly attempt: number;
  readonly barrier: number;
}

/** Learner to leader: up to which zxid must I have applied for a read that waits here to be linearizable? */
export interface ReadRequest {
  readonly kind: 'readRequest';
  readonly attempt: number;
  readonly request: number;
}

export interface ReadReply {
  readonly kind: 'readReply';
  readonly attempt: number;
  readonly request: number;
  readonly zxid: Zxid;
}

/** Leader to learners: I stop in good order; elect another. */
export interface Leaving {
  readonly kind: 'leaving';
  readonly attempt: number;
}

/** Leader or former leader to a learner: I do not lead you (any more); look again. */
export interface Refuse {
  readonly kind: 'refuse';
  readonly attempt: number;
}
