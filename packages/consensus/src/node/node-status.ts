import type { PeerProgress } from '../core/consensus-core.js';
import type { Role } from '../core/core-io.js';
import type { Standing } from '../core/messages.js';
import type { ServerId } from '../core/server-id.js';
import type { Zxid } from '../core/zxid.js';

/** What a node looks like from outside, at one moment. */
export interface NodeStatus {
  readonly role: Role;
  /** True for a leader with a synchronised quorum, and for a follower that is up to date with such a leader. */
  readonly serving: boolean;
  readonly epoch: number;
  readonly leader: ServerId | undefined;
  /** The end of the log; the part of it that is on disk; what is known to be committed; what the state machine has applied. */
  readonly lastLogged: Zxid;
  readonly durable: Zxid;
  readonly committed: Zxid;
  readonly applied: Zxid;
  readonly standing: Standing;
  /** Why part of the log is unreadable, until it is repaired. */
  readonly damage: string | undefined;
  /** Known to a leader only. */
  readonly peers: readonly PeerProgress[];
  readonly snapshotZxid: Zxid | undefined;
  /** Bytes of log and snapshots on disk. */
  readonly logBytes: number;
  /** Set while writes are refused for want of room on the disk. */
  readonly writesRefused: string | undefined;
  /** Why this server last began to look for a leader. */
  readonly lookingBecause: string;
}

/** What listeners are told of. */
export type Announcement = Pick<NodeStatus, 'role' | 'serving' | 'epoch' | 'leader' | 'standing' | 'writesRefused'>;

/** Whether nothing changed that listeners are told of. Asked in every turn. */
export function isSameAnnouncement(one: Announcement, other: Announcement): boolean {
  return (
    one.role === other.role &&
    one.serving === other.serving &&
    one.epoch === other.epoch &&
    one.leader === other.leader &&
    one.standing === other.standing &&
    one.writesRefused === other.writesRefused
  );
}
