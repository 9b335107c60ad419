import {
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type MessageShape,
} from '@bufbuild/protobuf';
import { connect as connectTcp } from 'node:net';
import type {
  CancelCall,
  Channel,
  ChannelStream,
  ChannelTarget,
  OpenChannel,
  StreamingChannel,
  StreamListener,
  UnaryMethod,
  UnaryResult,
} from '../channel.js';
import { dialTo, type Dial } from './dial.js';
import { DirectAttach } from './direct-attach.js';
import { DirectUnary, type DirectCall } from './direct-call.js';
import { DirectConnection } from './direct-connection.js';
import { http2Channels } from './http2-channel.js';
import { NeededCalls } from './needed-calls.js';
import { Probe } from './probe.js';

/** From the first packet until there is a connection, and from then until the server has greeted, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
const GREETING_TIMEOUT_MS = 1_500;
/** How long HTTP/2 is used with whoever did not speak frames, before that is tried again, in milliseconds. */
const FOREIGN_FOR_MS = 10_000;

type State =
  | { readonly kind: 'idle' | 'closed' }
  | { readonly kind: 'connecting' | 'ready'; readonly connection: DirectConnection };

/**
 * A {@link Channel} over one direct connection: frames on clear-text TCP, which cost half of what HTTP/2 does. Where nobody speaks them (something that only
 * knows HTTP stands before the server, say), and with TLS, it goes by HTTP/2.
 *
 * No request leaves before the server has greeted: whatever goes wrong until then (nobody listens, another protocol, a server that hangs) is known to have
 * had no effect. An idle connection does not keep the process alive.
 */
class NodeChannel implements Channel {
  readonly #target: ChannelTarget;
  readonly #dial: Dial;
  readonly #openHttp2: () => StreamingChannel;
  #http2: StreamingChannel | undefined;
  /** Calls that wait for the connection. */
  readonly #waiting = new Set<DirectCall>();
  readonly #needed = new NeededCalls<DirectCall>((on) => {
    if ('connection' in this.#state) this.#state.connection.keepAlive(on);
  });
  readonly #probe = new Probe();
  #state: State = { kind: 'idle' };
  #foreignUntilMs = 0;
  #foreignInARow = 0;

  constructor(target: ChannelTarget, dial: Dial | undefined) {
    this.#target = target;
    this.#dial = dial ?? (({ host, port }) => connectTcp({ host, port, noDelay: true }));
    this.#openHttp2 = () => http2Channels(dial)(target) as StreamingChannel;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageShape<I>,
    timeoutMs: number | undefined,
    onResult: (result: UnaryResult<MessageShape<O>>) => void,
  ): CancelCall {
    const { input, output } = method;
    const call: DirectUnary<O> = new DirectUnary(
      { path: pathOf(method), output, request: toBinary(input, request), timeoutMs },
      (result) => {
        this.#leave(call);
        onResult(result);
      },
      () => {
        this.#leave(call);
        return this.#elsewhere().unary(method, request, timeoutMs, onResult);
      },
    );
    this.#start(call);
    return () => {
      const sent = call.cancel();
      this.#leave(call);
      return sent;
    };
  }

  openStream(method: DescMethodBiDiStreaming, listener: StreamListener): ChannelStream {
    const stream: DirectAttach = new DirectAttach(pathOf(method), listener, {
      elsewhere: () => this.#elsewhere().openStream(method, listener),
      onRef: (on) => this.#needed.set(stream, on),
      onLeave: () => this.#leave(stream),
    });
    this.#start(stream);
    return stream;
  }

  get aliveAtMs(): number {
    return Math.max(this.#probe.aliveAtMs, this.#http2?.aliveAtMs ?? 0);
  }

  probe(timeoutMs: number): void {
    this.#http2?.probe(timeoutMs);
    const state = this.#state;
    if (state.kind !== 'ready' || this.#probe.isUnderWay) return;
    const { connection } = state;
    this.#probe.begin(timeoutMs, () => connection.destroy(new Error('The server does not answer pings')));
    connection.ping();
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    this.#http2?.close();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.fail('The client was closed', undefined);
    if ('connection' in state) state.connection.close('The client was closed');
  }

  #start(call: DirectCall): void {
    this.#needed.set(call, true);
    switch (this.#state.kind) {
      case 'closed':
        queueMicrotask(() => call.fail('The client was closed', undefined));
        return;
      case 'ready':
        return call.begin(this.#state.connection);
      case 'idle':
        if (performance.now() < this.#foreignUntilMs) return call.beginElsewhere();
        this.#connect();
        break;
      case 'connecting':
    }
    this.#waiting.add(call);
  }

  #connect(): void {
    const within = (timeoutMs: number, what: string): NodeJS.Timeout =>
      setTimeout(() => connection.destroy(new Error(`No ${what} within ${timeoutMs} ms`)), timeoutMs).unref();
    let timer = within(CONNECT_TIMEOUT_MS, 'connection');
    const connection: DirectConnection = new DirectConnection(
      dialTo(this.#dial, new URL(this.#target.url)),
      this.#target.messageBytesMax,
      {
        onConnected: () => {
          clearTimeout(timer);
          timer = within(GREETING_TIMEOUT_MS, 'greeting');
        },
        onReady: () => {
          clearTimeout(timer);
          this.#onReady(connection);
        },
        onGoing: () => this.#abandon(connection),
        onAlive: () => this.#probe.alive(),
        onClosed: (isForeign, cause) => {
          clearTimeout(timer);
          this.#onClosed(connection, isForeign, cause);
        },
      },
    );
    this.#state = { kind: 'connecting', connection };
    connection.open();
  }

  #onReady(connection: DirectConnection): void {
    if (!this.#isPresent(connection)) return;
    this.#state = { kind: 'ready', connection };
    this.#foreignInARow = 0;
    if (this.#needed.isEmpty) connection.keepAlive(false);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.begin(connection);
  }

  #onClosed(connection: DirectConnection, isForeign: boolean, cause: unknown): void {
    if (!this.#isPresent(connection)) return;
    this.#probe.end();
    const wasConnecting = this.#state.kind === 'connecting';
    this.#state = { kind: 'idle' };
    if (!wasConnecting) return;
    if (isForeign) this.#noteForeign();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) {
      if (isForeign) call.beginElsewhere();
      else call.fail('No connection could be made', cause);
    }
  }

  /** The first time it may have been a server that ended at that moment. */
  #noteForeign(): void {
    this.#foreignInARow += 1;
    if (this.#foreignInARow > 1) this.#foreignUntilMs = performance.now() + FOREIGN_FOR_MS;
  }

  /** What is under way may finish; new calls take a new connection. */
  #abandon(connection: DirectConnection): void {
    if (!this.#isPresent(connection)) return;
    this.#probe.end();
    this.#state = { kind: 'idle' };
  }

  #isPresent(connection: DirectConnection): boolean {
    return 'connection' in this.#state && this.#state.connection === connection;
  }

  #elsewhere(): StreamingChannel {
    return (this.#http2 ??= this.#openHttp2());
  }

  #leave(call: DirectCall): void {
    this.#waiting.delete(call);
    this.#needed.set(call, false);
  }
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Makes channels for Node.js. @param dial - How to reach a server. Default: TCP. */
export function nodeChannels(dial?: Dial): OpenChannel {
  const http2 = http2Channels(dial);
  return (target) => (target.url.startsWith('https:') ? http2(target) : new NodeChannel(target, dial));
}
