import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Message, PeerEvents, PeerTransport, ServerId, SnapshotReader } from '@zkl/consensus';
import type { Logger } from '../observability/logger.js';
import type { SessionTouch } from '../session/session-keeper.js';
import { Acceptor } from './acceptor.js';
import { dialPeer, type PeerAddress } from './dial.js';
import type { ForwardReply } from './forward-reply.js';
import { answerSoon } from './forwarding.js';
import type { FrameSocket } from './frame-socket.js';
import { CLUSTER_ID_BYTES_MAX, INCARNATION_BYTES, type Purpose, type VersionRange } from './handshake-codec.js';
import { PEER_PROTOCOL_VERSIONS, type LocalIdentity, type Newcomer } from './handshake.js';
import { PeerError } from './peer-error.js';
import { resolvePeerLimits, type PeerLimits, type ResolvedPeerLimits } from './peer-limits.js';
import { PeerSession } from './peer-session.js';
import { receiveSnapshot } from './snapshot-receiver.js';
import { streamSnapshot } from './snapshot-sender.js';
import type { TouchAnswer } from './touch-codec.js';
import type { TouchReply } from './touching.js';

/** Options of a `TcpPeerTransport`. */
export interface TcpPeerTransportOptions {
  readonly id: ServerId;
  /** Servers of another cluster are refused. At most 255 bytes in UTF-8. */
  readonly clusterId: string;
  /** All servers of the cluster, this one included. */
  readonly members: ReadonlyMap<ServerId, PeerAddress>;
  /** Shared by all servers. Without one, everybody who reaches the port may claim to be a member. */
  readonly secret: string | undefined;
  readonly logger: Logger;
  /** See `PEER_LIMITS` for defaults and bounds. */
  readonly limits?: PeerLimits | undefined;
  /** The versions of the peer protocol to speak; by default `PEER_PROTOCOL_VERSIONS`. */
  readonly versions?: VersionRange | undefined;
}

/**
 * Messages between servers over TCP, on the one port. Each server dials every other, and sends on the connection that it dialled; so two connections
 * join a pair. In order and at most once while both stand; when either ends both end, `onPeerLost` is called, and what was under way may be lost.
 *
 * The constructor throws an `OptionRangeError` for a limit out of its range, and a RangeError for a cluster id that is too long.
 */
export class TcpPeerTransport implements PeerTransport {
  /**
   * What to do with a write that another server forwarded: `reply` is to be called once. Set by the owner before `start`; until then writes are
   * refused. `operation` is a view that stays as it is.
   */
  onForward: (from: ServerId, operation: Uint8Array, reply: (reply: ForwardReply) => void) => void = (
    _from,
    _operation,
    reply,
  ) => reply({ kind: 'refused', reason: 'notLeader' });
  /** What to do with signs of life that another server collected: `reply` is to be called once, or never when the role ends. Set before `start`. */
  onTouch: (from: ServerId, touches: readonly SessionTouch[], reply: (answer: TouchAnswer) => void) => void = (
    _from,
    _touches,
    reply,
  ) => reply({ kind: 'notLeader' });
  /** Told by the leader which streams of sessions here are served elsewhere by now. Set before `start`. */
  onMoved: (from: ServerId, moved: readonly SessionTouch[]) => void = () => undefined;
  readonly #options: TcpPeerTransportOptions;
  readonly #limits: ResolvedPeerLimits;
  readonly #local: LocalIdentity;
  readonly #acceptor: Acceptor;
  readonly #sessions = new Map<ServerId, PeerSession>();
  /** The snapshot that comes from each peer: one at most. */
  readonly #receiving = new Map<ServerId, { readonly frames: FrameSocket; readonly done: Promise<unknown> }>();
  readonly #transfers = new Set<Promise<unknown>>();
  #state: 'new' | 'running' | 'stopped' = 'new';
  #events: PeerEvents | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #stopping = new AbortController();

  constructor(options: TcpPeerTransportOptions) {
    if (Buffer.byteLength(options.clusterId) > CLUSTER_ID_BYTES_MAX) {
      throw new RangeError(`clusterId is longer than ${CLUSTER_ID_BYTES_MAX} bytes`);
    }
    this.#options = options;
    this.#limits = resolvePeerLimits(options.limits);
    this.#local = {
      id: options.id,
      clusterId: options.clusterId,
      secret: options.secret ?? '',
      versions: options.versions ?? PEER_PROTOCOL_VERSIONS,
      incarnation: randomBytes(INCARNATION_BYTES),
      isMember: (id) => options.members.has(id),
    };
    this.#acceptor = new Acceptor({
      local: this.#local,
      limits: this.#limits,
      logger: options.logger,
      admit: (frames, newcomer) => this.#admit(frames, newcomer),
    });
  }

  /** Begins to dial the other members, and to let them in. Resolves at once. */
  async start(events: PeerEvents): Promise<void> {
    if (this.#state !== 'new') throw new Error('a peer transport is started once');
    this.#state = 'running';
    this.#events = events;
    const context = {
      local: this.#local,
      limits: this.#limits,
      logger: this.#options.logger,
      events,
      onForward: (from: ServerId, operation: Uint8Array, reply: (reply: ForwardReply) => void) =>
        this.onForward(from, operation, reply),
      onTouch: (from: ServerId, touches: readonly SessionTouch[], reply: (answer: TouchAnswer) => void) =>
        this.onTouch(from, touches, reply),
      onMoved: (from: ServerId, moved: readonly SessionTouch[]) => this.onMoved(from, moved),
    };
    for (const [peer, address] of this.#options.members) {
      if (peer !== this.#options.id) this.#sessions.set(peer, new PeerSession(peer, address, context));
    }
    for (const session of this.#sessions.values()) session.start();
    this.#timer = setInterval(() => this.#tick(), this.#limits.pingIntervalMs);
  }

  /** Takes over an incoming connection that began with the peer magic; `head` is what was read of it so far. */
  accept(socket: Socket, head: Buffer): void {
    this.#acceptor.accept(socket, head);
  }

  /** Drops the message when the peer is not up. What was sent in one turn leaves in one write, after the code that sent it. */
  send(to: ServerId, message: Message): void {
    this.#sessions.get(to)?.send(message);
  }

  /** True between `onPeerUp` and `onPeerLost`. */
  isConnected(peer: ServerId): boolean {
    return this.#sessions.get(peer)?.isUp ?? false;
  }

  /** A running average, in milliseconds; undefined while the peer is not up, or was not measured yet. */
  roundTripMs(peer: ServerId): number | undefined {
    return this.#sessions.get(peer)?.roundTripMs;
  }

  /** Why the peer could not be dialled the last time; undefined while it is up, or when nothing failed yet. */
  lastError(peer: ServerId): PeerError | undefined {
    return this.#sessions.get(peer)?.lastError;
  }

  /**
   * Carries a client's write to the leader; those of one turn of the event loop travel together. `done` is called exactly once, and never before this
   * returns: `refused` noQuorum when the peer is not up, or was lost before it was sent; `refused` overloaded when too much is under way; `unknown` when
   * the peer was lost, or did not answer in time, after it was sent.
   */
  forward(to: ServerId, operation: Uint8Array, done: (reply: ForwardReply) => void): void {
    const session = this.#sessions.get(to);
    if (session === undefined) answerSoon(done, { kind: 'refused', reason: 'noQuorum' });
    else session.forward(operation, done);
  }

  /**
   * Another server leads: what was forwarded to this one and is not answered ends as if it were lost. It may be frozen, and then its connection takes
   * seconds to be found dead.
   */
  abandonForwards(to: ServerId): void {
    this.#sessions.get(to)?.abandonForwards();
  }

  /**
   * Carries signs of life to the leader, at most `TOUCHES_MAX`. `done` is called once, and never before this returns: with the leader's answer, or `lost`
   * when the peer is not up or was lost before it came: then they may have been counted, and nothing may be built on it.
   */
  touch(to: ServerId, touches: readonly SessionTouch[], done: (reply: TouchReply) => void): void {
    const session = this.#sessions.get(to);
    if (session === undefined) queueMicrotask(() => done({ kind: 'lost' }));
    else session.touch(touches, done);
  }

  /** Tells a server that these streams of its are served elsewhere by now. Dropped when the peer is not up: the next touch of such a stream is refused. */
  tellMoved(to: ServerId, moved: readonly SessionTouch[]): void {
    this.#sessions.get(to)?.tellMoved(moved);
  }

  /**
   * Streams a snapshot on a connection of its own; resolves when the receiver has installed it. Rejects with a `PeerError`: NOT_CONNECTED,
   * SNAPSHOT_REFUSED, SNAPSHOT_ABORTED (by `signal`: the connection is cut at once), SNAPSHOT_STALLED, SNAPSHOT_BROKEN, LINK_CLOSED, and what dialling
   * fails with. `snapshot` is not closed.
   */
  async sendSnapshot(to: ServerId, attempt: number, snapshot: SnapshotReader, signal: AbortSignal): Promise<void> {
    await this.#track(this.#sendSnapshot(to, attempt, snapshot, AbortSignal.any([signal, this.#stopping.signal])));
  }

  /** Sends what was sent before, then ends every connection. No event follows. Resolves when all are closed. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearInterval(this.#timer);
    this.#stopping.abort();
    this.#acceptor.stop();
    await Promise.all([...this.#sessions.values()].map((session) => session.stop()));
    await Promise.allSettled([...this.#transfers]);
  }

  #tick(): void {
    for (const session of this.#sessions.values()) session.tick();
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#transfers.add(work);
    try {
      return await work;
    } finally {
      this.#transfers.delete(work);
    }
  }

  async #sendSnapshot(to: ServerId, attempt: number, snapshot: SnapshotReader, signal: AbortSignal): Promise<void> {
    const session = this.#sessions.get(to);
    const address = this.#options.members.get(to);
    const incarnation = session?.incarnation;
    if (session === undefined || address === undefined || incarnation === undefined) {
      throw new PeerError('NOT_CONNECTED', `server ${to} is not connected`);
    }
    if (signal.aborted) throw new PeerError('SNAPSHOT_ABORTED', 'the transfer was aborted', { cause: signal.reason });
    const purpose: Purpose = { kind: 'snapshot', attempt, zxid: snapshot.zxid, sizeBytes: snapshot.sizeBytes };
    const { frames, remote } = await dialPeer(to, address, purpose, this.#local, this.#limits, signal);
    if (remote.incarnation !== incarnation || session.incarnation !== incarnation) {
      frames.close(new PeerError('LINK_CLOSED', 'another process than the one that the snapshot is for'));
      throw new PeerError('NOT_CONNECTED', `server ${to} has restarted, or was lost`);
    }
    session.attach(frames);
    await streamSnapshot(frames, snapshot, this.#limits, signal);
  }

  async #admit(frames: FrameSocket, newcomer: Newcomer): Promise<PeerError | undefined> {
    const session = this.#sessions.get(newcomer.id);
    if (this.#state !== 'running' || session === undefined) {
      return new PeerError('STOPPING', 'this server is not running');
    }
    const { purpose } = newcomer;
    if (purpose.kind === 'messages') return session.admit(frames, newcomer.incarnation, () => newcomer.welcome());
    if (session.incarnation !== newcomer.incarnation) {
      return new PeerError('SNAPSHOT_REFUSED', `server ${newcomer.id} is not connected to server ${this.#options.id}`);
    }
    newcomer.welcome();
    session.attach(frames);
    await this.#track(this.#receive(frames, newcomer.id, purpose));
    return undefined;
  }

  async #receive(frames: FrameSocket, from: ServerId, purpose: SnapshotPurpose): Promise<void> {
    const before = this.#receiving.get(from);
    // The sender has given up the one before: only this side has not noticed yet.
    before?.frames.close(new PeerError('SNAPSHOT_BROKEN', 'a newer snapshot has come in its place'));
    const done = (before?.done ?? Promise.resolve()).then(() => this.#install(frames, from, purpose));
    const current = { frames, done };
    this.#receiving.set(from, current);
    await done;
    if (this.#receiving.get(from) === current) this.#receiving.delete(from);
  }

  async #install(frames: FrameSocket, from: ServerId, { attempt, zxid, sizeBytes }: SnapshotPurpose): Promise<void> {
    const { logger } = this.#options;
    const fields = { peer: from, attempt, zxid, sizeBytes };
    logger.info({ event: 'snapshot_receiving', ...fields });
    const failure = await receiveSnapshot(frames, sizeBytes, this.#limits, async (chunks) =>
      this.#events?.onSnapshot(from, attempt, zxid, chunks),
    );
    if (failure === undefined) logger.info({ event: 'snapshot_received', ...fields });
    else logger.warn({ event: 'snapshot_failed', ...fields, code: failure.code }, failure.message);
  }
}

type SnapshotPurpose = Extract<Purpose, { kind: 'snapshot' }>;
