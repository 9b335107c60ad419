import type { ServerId } from '../core/server-id.js';
import type { Ticks } from '../core/timing.js';
import type { Clock, LogStore, PeerTransport, StateMachine } from './ports.js';

/** Waits, in milliseconds. They are counted in ticks, at most one a turn of the event loop, so a stall of the process is not taken for silence of the others. */
export interface TimingOptions {
  /** The grain of all other waits. Default 25; 5 .. 1,000. */
  readonly tickMs: number;
  /** Between a leader's pings. Default 100. */
  readonly heartbeatMs: number;
  /** The least time of silence after which a follower looks for a leader (drawn up to twice as long) and a leader without a quorum steps down. Default 500. */
  readonly electionTimeoutMs: number;
  /** Time without progress after which an attempt to synchronise is given up. Default 2,000. */
  readonly syncTimeoutMs: number;
  /** How long an election waits for the votes of servers that can be reached and have not voted. Default 50. */
  readonly settleMs: number;
}

export const DEFAULT_TIMING: TimingOptions = {
  tickMs: 25,
  heartbeatMs: 100,
  electionTimeoutMs: 500,
  syncTimeoutMs: 2_000,
  settleMs: 50,
};

/** Bounds, in bytes unless the name says otherwise. */
export interface NodeLimits {
  /** Payload of one block. Default 1 MiB; a single larger write gets a block of its own. */
  readonly blockBytesMax: number;
  /** Writes accepted and not yet applied; beyond it writes are refused (`overloaded`). Default 64 MiB. */
  readonly pendingBytesMax: number;
  /** The same, in writes. Default 200,000. */
  readonly pendingWritesMax: number;
  /** Log bytes after which a snapshot is taken, or half the newest one's size if that is more; up to 30 % earlier, by chance. Default 64 MiB. */
  readonly snapshotEveryBytes: number;
  /** How fast snapshots are saved and sent together while the log grows, a second; four times as fast when it rests. What the log grows by comes on top. Default 24 MiB. */
  readonly snapshotBytesPerSecond: number;
  /** Log bytes kept in memory for learners that are a little behind. Default 32 MiB. */
  readonly windowBytes: number;
  /** Log bytes on their way to one learner. Default 16 MiB. */
  readonly inflightBytes: number;
}

export const DEFAULT_LIMITS: NodeLimits = {
  blockBytesMax: 1 << 20,
  pendingBytesMax: 64 << 20,
  pendingWritesMax: 200_000,
  snapshotEveryBytes: 64 << 20,
  snapshotBytesPerSecond: 24 << 20,
  windowBytes: 32 << 20,
  inflightBytes: 16 << 20,
};

export interface NodeOptions<R> {
  readonly id: ServerId;
  /** Every voter, this server included. */
  readonly voters: readonly ServerId[];
  readonly logStore: LogStore;
  readonly transport: PeerTransport;
  readonly stateMachine: StateMachine<R>;
  readonly clock: Clock;
  /** 0 <= random() < 1. */
  readonly random: () => number;
  readonly timing?: Partial<TimingOptions> | undefined;
  readonly limits?: Partial<NodeLimits> | undefined;
  /** Default `auto`: a server with an empty folder votes only in a cluster where nobody has any history. */
  readonly emptyFolderVotes?: 'auto' | 'always' | undefined;
  /** The run is over (the disk failed, or a rule of the protocol was broken): nothing more is acknowledged. The owner ends the process, or the server. */
  readonly onFatal: (error: Error) => void;
  /** For tests only: see CoreOptions. */
  readonly plantedBugs?: ReadonlySet<string> | undefined;
}

export function ticksOf(timing: TimingOptions): Ticks {
  const ticks = (ms: number, least: number): number => Math.max(least, Math.round(ms / timing.tickMs));
  return {
    heartbeat: ticks(timing.heartbeatMs, 1),
    election: ticks(timing.electionTimeoutMs, 4),
    sync: ticks(timing.syncTimeoutMs, 8),
    settle: ticks(timing.settleMs, 1),
    resendMin: 2,
    resendMax: 16,
  };
}
