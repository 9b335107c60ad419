import { toBinary, type DescMessage, type DescMethodBiDiStreaming, type MessageShape } from '@bufbuild/protobuf';
import { connect, type ClientHttp2Session } from 'node:http2';
import type {
  CancelCall,
  Channel,
  ChannelStream,
  ChannelTarget,
  StreamListener,
  UnaryMethod,
  UnaryResult,
} from '../channel.js';
import type { OpenChannel } from '../channel.js';
import { connectBy, type Dial } from './dial.js';
import { Http2Attach } from './http2-attach.js';
import { Http2Call } from './http2-call.js';
import { NeededCalls } from './needed-calls.js';
import { Probe } from './probe.js';
import { ResetPacer } from './reset-pacer.js';

/** From the first packet until the server's HTTP/2 settings have come, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Flow control: a stream's and the connection's, in bytes. The defaults of 64 KiB cost a round trip for each. */
const STREAM_WINDOW_BYTES = 1_048_576;
const SESSION_WINDOW_BYTES = 16_777_216;

type AnyCall = Pick<Http2Call<DescMessage> | Http2Attach, 'fail'>;

/** Calls that wait for the connection, each with how to send it. */
type Waiting = Map<AnyCall, (session: ClientHttp2Session) => void>;

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly session: ClientHttp2Session; readonly waiting: Waiting }
  | { readonly kind: 'ready'; readonly session: ClientHttp2Session }
  | { readonly kind: 'closed' };

/**
 * A {@link Channel} over one clear-text (`http:`) or TLS (`https:`) HTTP/2 connection.
 *
 * No request leaves before the server's settings have come: whatever goes wrong until then (nobody listens, another protocol,
 * a server that hangs) is known to have had no effect. An idle connection does not keep the process alive.
 */
class Http2Channel implements Channel {
  readonly #target: ChannelTarget;
  readonly #dial: Dial | undefined;
  readonly #calls = new Set<AnyCall>();
  readonly #needed = new NeededCalls<AnyCall>((on) => {
    if (!('session' in this.#state)) return;
    if (on) this.#state.session.ref();
    else this.#state.session.unref();
  });
  readonly #probe = new Probe();
  readonly #pacer = new ResetPacer();
  #state: State = { kind: 'idle' };

  constructor(target: ChannelTarget, dial: Dial | undefined) {
    this.#target = target;
    this.#dial = dial;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageShape<I>,
    timeoutMs: number | undefined,
    onResult: (result: UnaryResult<MessageShape<O>>) => void,
  ): CancelCall {
    const call: Http2Call<O> = new Http2Call(method.output, this.#target.messageBytesMax, (result) => {
      this.#leave(call);
      onResult(result);
    });
    const body = toBinary(method.input, request);
    this.#start(call, (session) => call.send(session, method, timeoutMs, body));
    return () => {
      const sent = call.cancel(this.#pacer);
      this.#leave(call);
      return sent;
    };
  }

  openStream(method: DescMethodBiDiStreaming, listener: StreamListener): ChannelStream {
    const stream: Http2Attach = new Http2Attach(this.#target.messageBytesMax, listener, {
      onRef: (on) => this.#needed.set(stream, on),
      onLeave: () => {
        this.#leave(stream);
        this.#needed.set(stream, false);
      },
    });
    this.#start(stream, (session) => stream.start(session, method));
    return stream;
  }

  get aliveAtMs(): number {
    return this.#probe.aliveAtMs;
  }

  probe(timeoutMs: number): void {
    if (this.#state.kind !== 'ready' || this.#probe.isUnderWay) return;
    const { session } = this.#state;
    this.#probe.begin(timeoutMs, () => session.destroy(new Error('The server does not answer pings')));
    const end = (): void => this.#probe.end();
    session.once('close', end);
    session.ping((error) => {
      session.off('close', end);
      if (error === null) this.#probe.alive();
      else this.#probe.end();
    });
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if ('session' in state) state.session.destroy();
    this.#pacer.close();
    for (const call of [...this.#calls]) call.fail('The client was closed', undefined);
  }

  #start(call: AnyCall, send: (session: ClientHttp2Session) => void): void {
    this.#calls.add(call);
    this.#needed.set(call, true);
    if (this.#state.kind === 'closed') {
      queueMicrotask(() => call.fail('The client was closed', undefined));
      return;
    }
    if (this.#state.kind === 'idle') this.#connect();
    if (this.#state.kind === 'connecting') this.#state.waiting.set(call, send);
    else if (this.#state.kind === 'ready') this.#send(this.#state.session, call, send);
  }

  #send(session: ClientHttp2Session, call: AnyCall, send: (session: ClientHttp2Session) => void): void {
    try {
      send(session);
    } catch (error) {
      // The session was destroyed in this turn, and its 'close' is still to come.
      queueMicrotask(() => call.fail('The connection was lost', error));
    }
  }

  #connect(): void {
    const dial = this.#dial;
    const session = connect(this.#target.url, {
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
      ...(dial !== undefined && { createConnection: (url: URL) => connectBy(dial, url) }),
    });
    const waiting: Waiting = new Map();
    this.#state = { kind: 'connecting', session, waiting };
    let cause: unknown;
    const timer = setTimeout(() => {
      session.destroy(new Error(`No connection within ${CONNECT_TIMEOUT_MS} ms`));
    }, CONNECT_TIMEOUT_MS);
    timer.unref();
    session.once('remoteSettings', () => {
      clearTimeout(timer);
      this.#onReady(session, waiting);
    });
    // GOAWAY: what is under way may finish, new requests take a new connection.
    session.once('goaway', () => this.#abandon(session));
    session.on('error', (error) => {
      cause = error;
    });
    session.once('close', () => {
      clearTimeout(timer);
      this.#onClosed(session, waiting, cause);
    });
  }

  #onReady(session: ClientHttp2Session, waiting: Waiting): void {
    if (this.#state.kind !== 'connecting' || this.#state.session !== session) return;
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    this.#state = { kind: 'ready', session };
    if (this.#needed.isEmpty) session.unref();
    for (const [call, send] of waiting) this.#send(session, call, send);
  }

  #onClosed(session: ClientHttp2Session, waiting: Waiting, cause: unknown): void {
    const wasConnecting = this.#state.kind === 'connecting' && this.#state.session === session;
    this.#abandon(session);
    // Streams of the session report their own end. Those that wait for it have none.
    if (wasConnecting) for (const call of waiting.keys()) call.fail('No connection could be made', cause);
  }

  #abandon(session: ClientHttp2Session): void {
    if ('session' in this.#state && this.#state.session === session) this.#state = { kind: 'idle' };
  }

  #leave(call: AnyCall): void {
    if (!this.#calls.delete(call)) return;
    if (this.#state.kind === 'connecting') this.#state.waiting.delete(call);
    this.#needed.set(call, false);
  }
}

/** Makes channels for Node.js. @param dial - How to reach a server. Default: TCP. */
export function http2Channels(dial?: Dial): OpenChannel {
  return (target) => new Http2Channel(target, dial);
}
