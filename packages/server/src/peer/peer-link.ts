import type { Message } from '@zkl/consensus';
import type { SessionTouch } from '../session/session-keeper.js';
import { decodeForwardReplies, decodeForwards, type ForwardAnswer, type ForwardRequest } from './forward-codec.js';
import { FRAME } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import type { FrameSocket } from './frame-socket.js';
import { decodeRefusal } from './handshake-codec.js';
import { decodeMessage } from './message-codec.js';
import { PeerError, peerErrorOf } from './peer-error.js';
import { decodeMoved, decodeTouch, decodeTouchAck, type TouchAck, type TouchBatch } from './touch-codec.js';

/** What arrives on an incoming link, besides what the link itself needs. */
export type LinkEvent =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'forwards'; readonly requests: readonly ForwardRequest[] }
  | { readonly kind: 'answers'; readonly answers: readonly ForwardAnswer[] }
  | { readonly kind: 'touch'; readonly touch: TouchBatch }
  | { readonly kind: 'touchAck'; readonly ack: TouchAck }
  | { readonly kind: 'moved'; readonly moved: readonly SessionTouch[] };

/** Decoded, but of use to the link alone. */
type OwnFrame =
  | { readonly kind: 'linkPing'; readonly nonce: number }
  | { readonly kind: 'linkPong'; readonly nonce: number }
  | { readonly kind: 'refusal'; readonly error: PeerError };

/** The weight of the newest round trip in the average. */
const ROUND_TRIP_WEIGHT = 0.25;

/**
 * One of the two connections with a peer, after its handshake. Messages come in only on links that the peer dialled; pings and their answers go both
 * ways on either.
 */
export class PeerLink {
  readonly frames: FrameSocket;
  /** Of the peer's process. */
  readonly incarnation: string;
  /** An average, in milliseconds; undefined before the first answer to a ping. */
  roundTripMs: number | undefined;
  readonly #silentIntervalsMax: number;
  #silentIntervals = 0;
  #pingNonce = 0;
  #pingedAtMs = 0;

  constructor(frames: FrameSocket, incarnation: string, silentIntervalsMax: number) {
    this.frames = frames;
    this.incarnation = incarnation;
    this.#silentIntervalsMax = silentIntervalsMax;
  }

  /** Reads from now on. `onEvent`: for an incoming link; without it any message is a fault. */
  read(onEvent?: (event: LinkEvent) => void): void {
    this.frames.read((frame) => {
      let event: LinkEvent | OwnFrame;
      try {
        event = decodeFrame(frame, onEvent !== undefined);
      } catch (error) {
        // The peer shall know why the link ends.
        this.frames.refuse(peerErrorOf(error, 'MALFORMED_FRAME'));
        return;
      }
      // Not in the try: what the receiver of a message throws is no fault of the peer.
      if (event.kind === 'linkPing') this.#pong(event.nonce);
      else if (event.kind === 'linkPong') this.#onPong(event.nonce);
      else if (event.kind === 'refusal') this.frames.close(event.error);
      else onEvent?.(event);
    });
  }

  /** Once an interval: a link on which nothing came in for too many of them in a row is ended. Counted, not timed: a pause of this process is not the peer's. */
  tick(): void {
    this.#silentIntervals = this.frames.heard ? 0 : this.#silentIntervals + 1;
    this.frames.heard = false;
    if (this.#silentIntervals >= this.#silentIntervalsMax) {
      this.frames.close(new PeerError('LINK_SILENT', `nothing was heard for ${this.#silentIntervals} intervals`));
    } else {
      this.ping();
    }
  }

  ping(): void {
    this.#pingNonce = (this.#pingNonce + 1) >>> 0;
    this.#pingedAtMs = performance.now();
    this.#write(FRAME.linkPing, this.#pingNonce);
  }

  /** Whether the peer answers within that time. */
  probe(timeoutMs: number): Promise<boolean> {
    if (this.frames.error !== undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      let finished = false;
      const finish = (alive: boolean): void => {
        if (finished) return;
        finished = true;
        clearTimeout(timer);
        forget();
        this.frames.onHeard(undefined);
        resolve(alive);
      };
      // What came during a pause of this process is handled first.
      const timer = setTimeout(() => setImmediate(finish, false), timeoutMs);
      this.frames.onHeard(() => finish(true));
      const forget = this.frames.onClosed(() => finish(false));
      this.ping();
    });
  }

  #pong(nonce: number): void {
    this.#write(FRAME.linkPong, nonce);
  }

  #onPong(nonce: number): void {
    if (nonce !== this.#pingNonce) return;
    const sampleMs = performance.now() - this.#pingedAtMs;
    const beforeMs = this.roundTripMs ?? sampleMs;
    this.roundTripMs = beforeMs + (sampleMs - beforeMs) * ROUND_TRIP_WEIGHT;
  }

  #write(kind: number, nonce: number): void {
    const { writer } = this.frames;
    writer.open(kind, 4);
    writer.u32(nonce);
    writer.seal(0);
    this.frames.flushSoon();
  }
}

function decodeFrame(frame: Buffer, incoming: boolean): LinkEvent | OwnFrame {
  const cursor = new FrameCursor(frame);
  switch (cursor.kind) {
    case FRAME.linkPing:
    case FRAME.linkPong: {
      const nonce = cursor.u32();
      cursor.end();
      return { kind: cursor.kind === FRAME.linkPing ? 'linkPing' : 'linkPong', nonce };
    }
    case FRAME.refusal:
      return { kind: 'refusal', error: decodeRefusal(cursor) };
    default:
      if (!incoming) throw cursor.fault('no place on a link that this server dialled');
      return decodeEvent(cursor);
  }
}

function decodeEvent(cursor: FrameCursor): LinkEvent {
  switch (cursor.kind) {
    case FRAME.forward:
      return { kind: 'forwards', requests: decodeForwards(cursor) };
    case FRAME.forwardReply:
      return { kind: 'answers', answers: decodeForwardReplies(cursor) };
    case FRAME.touch:
      return { kind: 'touch', touch: decodeTouch(cursor) };
    case FRAME.touchAck:
      return { kind: 'touchAck', ack: decodeTouchAck(cursor) };
    case FRAME.sessionMoved:
      return { kind: 'moved', moved: decodeMoved(cursor) };
    default:
      return decodeMessageEvent(cursor);
  }
}

function decodeMessageEvent(cursor: FrameCursor): LinkEvent {
  const message = decodeMessage(cursor);
  if (message === undefined) throw cursor.fault('no place on a link for messages');
  return { kind: 'message', message };
}
