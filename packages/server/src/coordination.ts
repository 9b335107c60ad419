import type { ConsensusNode, NodeStatus, Zxid } from '@zkl/consensus';
import type { ChangeHistory, Result, ZnodeStateMachine } from '@zkl/state-machine';
import { encodeCommand } from '@zkl/wire';
import type { CoordinationCounts } from './observability/metrics.js';
import type { ServerOptions } from './options/resolve-options.js';
import type { TcpPeerTransport } from './peer/tcp-peer-transport.js';
import type { Admission } from './request/admission.js';
import type { ClusterView } from './request/cluster-view.js';
import { Reaper } from './session/reaper.js';
import type { SessionAccess } from './session/session-access.js';
import { SessionLeader } from './session/session-leader.js';
import { SessionToucher } from './session/session-toucher.js';
import { Attachments } from './stream/attachments.js';
import type { SessionStreamDependencies } from './stream/session-stream.js';
import { WatchHub } from './watch/watch-hub.js';

/** What sessions and watches are built on. */
export interface CoordinationDependencies {
  readonly options: ServerOptions;
  readonly node: ConsensusNode<Result>;
  readonly transport: TcpPeerTransport;
  readonly state: ZnodeStateMachine;
  readonly history: ChangeHistory;
  readonly view: ClusterView;
  readonly admission: Admission;
  readonly access: SessionAccess;
  readonly quorumReachable: () => boolean;
}

/** Sessions, watches and what is reaped: the parts of one server, and when each is told what. */
export class Coordination {
  readonly hub: WatchHub;
  readonly toucher: SessionToucher;
  readonly streams: SessionStreamDependencies;
  readonly #dependencies: CoordinationDependencies;
  readonly #leader: SessionLeader;
  readonly #reaper: Reaper;
  readonly #attachments: Attachments;

  constructor(dependencies: CoordinationDependencies) {
    this.#dependencies = dependencies;
    const { state, history, options, node, transport, view, admission, access, quorumReachable } = dependencies;
    const { watchesMax, watchSnapshotBytesMax, watchesPerStreamMax } = options.limits;
    this.hub = new WatchHub({
      source: history,
      tree: state,
      limits: {
        watchesMax,
        snapshotBytesMax: watchSnapshotBytesMax,
        snapshotsBytesMax: SNAPSHOTS * watchSnapshotBytesMax,
      },
    });
    this.#attachments = new Attachments((session) => state.session(session) !== undefined);
    this.#leader = this.#makeLeader();
    this.#reaper = this.#makeReaper();
    this.toucher = new SessionToucher({
      view,
      send: (to, touches, done) => transport.touch(to, touches, done),
      local: (touches, reply) => this.#leader.onTouch(options.serverId, touches, reply),
    });
    transport.onTouch = (from, touches, reply) => this.#leader.onTouch(from, touches, reply);
    transport.onMoved = (_from, moved) => this.#attachments.onMoved(moved);
    this.streams = {
      state,
      view,
      hub: this.hub,
      access,
      toucher: this.toucher,
      attachments: this.#attachments,
      admission,
      propose: (operation, done) => node.propose(operation, done),
      forward: (to, operation, done) => transport.forward(to, operation, done),
      readBarrier: (done) => node.readBarrier(done),
      whenApplied: (zxid, done) => node.whenApplied(zxid, done),
      quorumReachable,
      leaderGraceMs: options.timing.leaderGraceMs,
      limits: { ...options.timing, watchesPerStreamMax },
      counts: { streams: 0, operations: 0 },
    };
  }

  /** What there is of all this at the moment. */
  get counts(): CoordinationCounts {
    const { history, state } = this.#dependencies;
    const { events, resets, fellBehind } = this.hub.counts;
    return {
      sessions: state.sessionCount,
      attached: this.#attachments.size,
      streams: this.streams.counts.streams,
      watches: this.hub.size,
      watchesBehind: this.hub.behind,
      historyChanges: history.end - history.first,
      watchSnapshotBytes: this.hub.snapshotBytes,
      sessionsExpired: this.#leader.expired,
      streamOperations: this.streams.counts.operations,
      watchEvents: events,
      watchResets: resets,
      watchesFellBehind: fellBehind,
    };
  }

  /** To be told before anybody acts on the new status: who leads decides who is alive. */
  onStatus({ role, serving }: Pick<NodeStatus, 'role' | 'serving'>): void {
    if (role === 'leading' && serving) {
      this.#leader.begin();
      this.#reaper.begin();
    } else {
      this.#leader.end();
      this.#reaper.end();
    }
  }

  /** Who leads follows the sessions that are opened, whoever has proposed that. */
  get resultsWanted(): boolean {
    return this.#leader.leading;
  }

  /** A block was applied, with these results; none, unless somebody wanted them. */
  onApplied(results: readonly Result[]): void {
    if (this.#leader.leading) {
      for (const result of results) {
        if (result.kind === 'sessionOpened') this.#leader.onOpened(result.session, result.timeoutMs);
      }
      this.#reaper.onApplied();
    }
    // Before anybody is answered; and after each block, so that a long replay does not outrun the history.
    this.hub.pump();
  }

  /** Ends a session whether its client is alive or not. Resolves with whether that was committed. */
  expireSession(session: Zxid): Promise<boolean> {
    if (!this.#leader.leading) return Promise.resolve(false);
    return new Promise((resolve) => this.#expire([session], resolve));
  }

  /** The server stops: nothing is decided or collected any more. */
  stop(): void {
    this.#leader.end();
    this.#reaper.end();
    this.toucher.stop();
  }

  #makeLeader(): SessionLeader {
    const { state, node, transport, options } = this.#dependencies;
    return new SessionLeader({
      table: state,
      expire: (sessions, done) => this.#expire(sessions, done),
      readBarrier: (done) => node.readBarrier(done),
      tellMoved: (to, moved) => {
        if (to === options.serverId) this.#attachments.onMoved(moved);
        else transport.tellMoved(to, moved);
      },
    });
  }

  #expire(sessions: readonly Zxid[], done: (applied: boolean) => void): void {
    const operation = encodeCommand({ kind: 'sessionsExpire', sessions });
    this.#dependencies.node.propose(operation, ({ kind }) => done(kind === 'applied'));
  }

  #makeReaper(): Reaper {
    const { state, node } = this.#dependencies;
    return new Reaper({
      emptyContainers: (limit) => state.emptyContainers(limit),
      expiredTtl: (nowMs, limit) => state.expiredTtl(nowMs, limit),
      reap: (nodes, done) => node.propose(encodeCommand({ kind: 'reap', nodes }), () => done()),
      nowMs: () => Date.now(),
    });
  }
}

/** Snapshots of the greatest size that there may be at a time. */
const SNAPSHOTS = 4;
