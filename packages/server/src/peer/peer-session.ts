import type { Message, PeerEvents, ServerId } from '@zkl/consensus';
import type { Logger } from '../observability/logger.js';
import type { SessionTouch } from '../session/session-keeper.js';
import { Dialer } from './dialer.js';
import type { Dialled, PeerAddress } from './dial.js';
import type { ForwardReply } from './forward-reply.js';
import { answerSoon, Forwarding } from './forwarding.js';
import type { FrameSocket } from './frame-socket.js';
import type { LocalIdentity } from './handshake.js';
import { encodeMessage } from './message-codec.js';
import { PeerError, peerErrorOf } from './peer-error.js';
import { PeerLink, type LinkEvent } from './peer-link.js';
import type { ResolvedPeerLimits } from './peer-limits.js';
import type { TouchAnswer } from './touch-codec.js';
import { Touching, type TouchReply } from './touching.js';

/** What came before this side was up is kept, so many at most: the peer may be up a moment earlier. */
const EARLY_EVENTS_MAX = 4_096;

/** What a session needs from the transport. */
export interface SessionContext {
  readonly local: LocalIdentity;
  readonly limits: ResolvedPeerLimits;
  readonly logger: Logger;
  readonly events: PeerEvents;
  onForward(from: ServerId, operation: Uint8Array, reply: (reply: ForwardReply) => void): void;
  onTouch(from: ServerId, touches: readonly SessionTouch[], reply: (answer: TouchAnswer) => void): void;
  onMoved(from: ServerId, moved: readonly SessionTouch[]): void;
}

/** What depends on both links: there while the peer is up. */
interface Traffic {
  readonly forwarding: Forwarding;
  readonly touching: Touching;
}

/**
 * All about one peer: the link to it, the link from it, and what depends on having both. The peer is up when both links stand and lead to the same
 * process; when either ends, both do, and all begins anew. So what came before a loss never mixes with what comes after.
 */
export class PeerSession {
  readonly peer: ServerId;
  readonly #context: SessionContext;
  readonly #dialer: Dialer;
  #outgoing: PeerLink | undefined;
  #incoming: PeerLink | undefined;
  /** Set while the peer is up. */
  #traffic: Traffic | undefined;
  #early: LinkEvent[] = [];
  #admission: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** Connections beside the links (snapshots) that end with the session. */
  readonly #dependants = new Set<FrameSocket>();

  constructor(peer: ServerId, address: PeerAddress, context: SessionContext) {
    this.peer = peer;
    this.#context = context;
    this.#dialer = new Dialer({
      peer,
      address,
      local: context.local,
      limits: context.limits,
      logger: context.logger,
      onLink: (link) => this.#onOutgoing(link),
    });
  }

  get isUp(): boolean {
    return this.#traffic !== undefined;
  }

  get roundTripMs(): number | undefined {
    return this.isUp ? this.#outgoing?.roundTripMs : undefined;
  }

  get lastError(): PeerError | undefined {
    return this.isUp ? undefined : this.#dialer.lastError;
  }

  /** The process that the peer is, while it is up. */
  get incarnation(): string | undefined {
    return this.isUp ? this.#outgoing?.incarnation : undefined;
  }

  start(): void {
    this.#dialer.start();
  }

  /**
   * Sends what was written, ends both links, dials no more. No event follows. The link to the peer ends first, and the other when the peer has read all of
   * that one: it ends both as soon as it sees the end of either, and would drop what it has not read.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    const stopping = new PeerError('STOPPING', 'this server stops');
    const incoming = this.#incoming?.frames;
    this.#incoming = undefined;
    const outgoing = this.#outgoing?.frames;
    this.#tearDown((frames) => frames.end(stopping));
    await Promise.all([this.#dialer.stop(), outgoing?.whenClosed()]);
    incoming?.close(stopping);
    await incoming?.whenClosed();
  }

  send(message: Message): void {
    const frames = this.#outgoing?.frames;
    if (!this.isUp || frames === undefined || frames.error !== undefined) return;
    try {
      encodeMessage(frames.writer, message);
    } catch (error) {
      // A message that is no message: the link is not to go on with a hole in it.
      const fault = peerErrorOf(error, 'MALFORMED_FRAME');
      this.#context.logger.error({
        event: 'peer_message_unsendable',
        peer: this.peer,
        kind: message.kind,
        error: fault,
      });
      queueMicrotask(() => frames.close(fault));
      return;
    }
    // Under load a block follows within a millisecond, and with it the follower wakes once instead of twice. Whoever waits for the commit is not kept waiting:
    // answers to forwarded writes and to reads are written after it.
    if (message.kind === 'commit') frames.flushWithNext();
    else frames.flushSoon();
  }

  forward(operation: Uint8Array, done: (reply: ForwardReply) => void): void {
    if (this.#traffic === undefined) answerSoon(done, { kind: 'refused', reason: 'noQuorum' });
    else this.#traffic.forwarding.forward(operation, done);
  }

  abandonForwards(): void {
    this.#traffic?.forwarding.abandon();
  }

  touch(touches: readonly SessionTouch[], done: (reply: TouchReply) => void): void {
    if (this.#traffic === undefined) queueMicrotask(() => done({ kind: 'lost' }));
    else this.#traffic.touching.touch(touches, done);
  }

  tellMoved(moved: readonly SessionTouch[]): void {
    this.#traffic?.touching.tellMoved(moved);
  }

  /** Once an interval. */
  tick(): void {
    this.#traffic?.forwarding.expire();
    this.#outgoing?.tick();
    this.#incoming?.tick();
  }

  /** The connection ends when the session does. */
  attach(frames: FrameSocket): void {
    this.#dependants.add(frames);
    frames.onClosed(() => this.#dependants.delete(frames));
  }

  /**
   * A link from the peer asks to be let in; `welcome` does it. Resolves with the reason when it is refused. One at a time: whether there is another
   * live process of that id may take a probe.
   */
  admit(frames: FrameSocket, incarnation: string, welcome: () => void): Promise<PeerError | undefined> {
    const admitted = this.#admission.then(async () => {
      const duplicate = await this.#findDuplicate(incarnation);
      if (this.#stopped) return new PeerError('STOPPING', 'this server stops');
      if (frames.error !== undefined) return frames.error;
      if (duplicate !== undefined) return this.#duplicateError(duplicate, frames);
      welcome();
      this.#onIncoming(frames, incarnation);
      return undefined;
    });
    this.#admission = admitted;
    return admitted;
  }

  /**
   * A link of this peer that lives and belongs to another process. A server that crashed may leave half-open links behind, so each such link is asked
   * first, and dropped when it does not answer. 1. Server 2 loses its power and comes back. 2. The old link from it still stands here, since nothing told
   * this side. 3. The new process is not to be locked out by the ghost of the old one.
   */
  async #findDuplicate(incarnation: string): Promise<PeerLink | undefined> {
    const { probeTimeoutMs } = this.#context.limits;
    const outgoing = this.#outgoing;
    if (outgoing !== undefined && outgoing.incarnation !== incarnation) {
      // It was found at the member's own address: that one has the better claim.
      if (await outgoing.probe(probeTimeoutMs)) return outgoing;
      outgoing.frames.close(
        new PeerError('LINK_SILENT', 'a newer process of this server has come, and this link did not answer'),
      );
    }
    const incoming = this.#incoming;
    if (incoming === undefined || incoming.incarnation === incarnation) return undefined;
    if (this.#outgoing?.incarnation === incarnation) {
      // The newcomer is the one at the member's address, so the one that was here first has no right to the id.
      const error = this.#duplicateError(this.#outgoing, incoming.frames);
      this.#context.logger.error(
        { event: 'peer_refused', address: incoming.frames.remote, code: error.code },
        error.message,
      );
      incoming.frames.refuse(error);
      return undefined;
    }
    if (await incoming.probe(probeTimeoutMs)) return incoming;
    incoming.frames.close(
      new PeerError('LINK_SILENT', 'a newer process of this server has come, and this link did not answer'),
    );
    return undefined;
  }

  #duplicateError(rightful: PeerLink, newcomer: FrameSocket): PeerError {
    return new PeerError(
      'DUPLICATE_SERVER',
      `two live processes claim to be server ${this.peer}: one at ${rightful.frames.remote}, and one at ${newcomer.remote}, which is refused; stop one of them, or give it an id of its own`,
    );
  }

  #onIncoming(frames: FrameSocket, incarnation: string): void {
    const before = this.#incoming;
    const superseded = new PeerError('LINK_CLOSED', 'the peer has dialled anew');
    // The same process dials anew when it has lost the link: this side only has not noticed yet.
    if (before !== undefined && this.isUp) this.#lose(superseded);
    this.#incoming = this.#newLink(frames, incarnation);
    before?.frames.close(superseded);
    this.#early = [];
    const link = this.#incoming;
    frames.onClosed((error) => {
      if (this.#incoming !== link) return;
      this.#incoming = undefined;
      this.#onLinkLost(error);
    });
    this.#dialer.hint();
    // Up before what waits in the link is read.
    this.#refresh();
    link.read((event) => this.#onEvent(link, event));
  }

  #onOutgoing({ frames, remote }: Dialled): void {
    const link = this.#newLink(frames, remote.incarnation);
    this.#outgoing = link;
    frames.onClosed((error) => {
      if (this.#outgoing === link) {
        this.#outgoing = undefined;
        this.#onLinkLost(error);
      }
      this.#dialer.lost(error);
    });
    link.read();
    link.ping();
    this.#refresh();
  }

  #newLink(frames: FrameSocket, incarnation: string): PeerLink {
    return new PeerLink(frames, incarnation, this.#context.limits.silentIntervalsMax);
  }

  #refresh(): void {
    const outgoing = this.#outgoing;
    if (this.isUp || outgoing === undefined || outgoing.incarnation !== this.#incoming?.incarnation) return;
    const traffic = {
      forwarding: new Forwarding(outgoing.frames, this.#context.limits),
      touching: new Touching(outgoing.frames),
    };
    this.#traffic = traffic;
    this.#context.logger.info({ event: 'peer_up', peer: this.peer, address: outgoing.frames.remote });
    this.#context.events.onPeerUp(this.peer);
    const early = this.#early;
    this.#early = [];
    for (const event of early) {
      if (this.#traffic === traffic) this.#deliver(event, traffic);
    }
  }

  #onEvent(link: PeerLink, event: LinkEvent): void {
    if (this.#incoming !== link) return;
    if (this.#traffic !== undefined) {
      this.#deliver(event, this.#traffic);
    } else if (this.#early.length < EARLY_EVENTS_MAX) {
      this.#early.push(event);
    } else {
      link.frames.close(new PeerError('LINK_CLOSED', 'too many messages before the link back stood'));
    }
  }

  #deliver(event: LinkEvent, { forwarding, touching }: Traffic): void {
    switch (event.kind) {
      case 'message':
        this.#context.events.onMessage(this.peer, event.message);
        break;
      case 'forwards':
        forwarding.onRequests(event.requests, (operation, reply) =>
          this.#context.onForward(this.peer, operation, reply),
        );
        break;
      case 'answers':
        forwarding.onAnswers(event.answers);
        break;
      case 'touch':
        touching.onTouch(event.touch, (touches, reply) => this.#context.onTouch(this.peer, touches, reply));
        break;
      case 'touchAck':
        touching.onAck(event.ack);
        break;
      case 'moved':
        this.#context.onMoved(this.peer, event.moved);
        break;
    }
  }

  #onLinkLost(error: PeerError): void {
    if (this.isUp) this.#lose(error);
  }

  #lose(error: PeerError): void {
    this.#context.logger.warn({ event: 'peer_lost', peer: this.peer, code: error.code }, error.message);
    this.#tearDown((frames) => frames.close(new PeerError('LINK_CLOSED', 'the other link of the pair ended')));
    this.#context.events.onPeerLost(this.peer);
  }

  #tearDown(close: (frames: FrameSocket) => void): void {
    const links = [this.#outgoing, this.#incoming];
    const traffic = this.#traffic;
    this.#outgoing = undefined;
    this.#incoming = undefined;
    this.#traffic = undefined;
    this.#early = [];
    for (const frames of this.#dependants) frames.close(new PeerError('LINK_CLOSED', 'the links with the peer ended'));
    for (const link of links) if (link !== undefined) close(link.frames);
    traffic?.forwarding.end();
    traffic?.touching.end();
  }
}
