import {
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type MessageShape,
} from '@bufbuild/protobuf';
import type {
  CancelCall,
  Channel,
  ChannelStream,
  StreamEnd,
  StreamListener,
  UnaryMethod,
  UnaryResult,
} from '@zkl/client-sdk/channels';
import type { ClientMessage, ServerMessage } from './call-messages.js';
import { ServerConnection, type CallServer } from './server-connection.js';
import type { VirtualProcess } from './virtual-process.js';
import type { Party, Wire, WorldNetwork } from './world-network.js';

/** As the SDK's own channel has it. */
const CONNECT_TIMEOUT_MS = 5_000;
/** What is written on a stream and has not been taken, in bytes, before the writer is asked to wait. */
const BUFFERED_BYTES_MAX = 1_048_576;

/** What a channel needs of the world. */
export interface ChannelSurroundings {
  readonly process: VirtualProcess;
  readonly network: WorldNetwork;
  readonly party: Party;
  /** Who listens there. */
  readonly serverAt: (party: Party) => CallServer | undefined;
  /** Every message, as it is looked at: it may be changed, which is what planted bugs do. */
  readonly onMessage: (server: Party, message: ServerMessage) => ServerMessage;
  readonly onSend: (server: Party, message: ClientMessage) => ClientMessage;
}

type UnaryCall = (
  result: Exclude<UnaryResult<never>, { kind: 'answer' }> | { kind: 'answer'; bytes: Uint8Array },
) => void;

/** A connection as the client sees it: nothing is sent before the server's first message has come. */
interface Connection {
  readonly wire: Wire;
  /** The server's end, once it has accepted. */
  there: ServerConnection | undefined;
  isReady: boolean;
  early: ClientMessage[];
}

/** A channel of the SDK over the virtual network: whole messages, in order, on a connection that breaks as one of HTTP/2 does. */
export class SimulatedChannel implements Channel {
  readonly #around: ChannelSurroundings;
  readonly #server: Party;
  #connection: Connection | undefined;
  readonly #calls = new Map<number, UnaryCall>();
  readonly #streams = new Map<number, SimulatedStream>();
  #ids = 0;
  #isClosed = false;
  #isProbed = false;
  aliveAtMs = 0;

  constructor(around: ChannelSurroundings, server: Party) {
    this.#around = around;
    this.#server = server;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageShape<I>,
    timeoutMs: number | undefined,
    onResult: (result: UnaryResult<MessageShape<O>>) => void,
  ): CancelCall {
    const id = ++this.#ids;
    const path = `/${method.parent.typeName}/${method.name}`;
    this.#calls.set(id, (result) => {
      this.#calls.delete(id);
      if (result.kind !== 'answer') return onResult(result);
      return onResult({ kind: 'answer', message: fromBinary(method.output, result.bytes) });
    });
    this.#send({ kind: 'call', id, path, bytes: toBinary(method.input, request), timeoutMs });
    return () => {
      if (!this.#calls.delete(id)) return false;
      return this.#cancel(id);
    };
  }

  openStream(method: DescMethodBiDiStreaming, listener: StreamListener): ChannelStream {
    const id = ++this.#ids;
    const stream = new SimulatedStream(listener, {
      send: (bytes) => this.#send({ kind: 'message', id, bytes }),
      defer: (callback) => this.#around.process.nextTurn(callback),
      close: () => {
        if (this.#streams.delete(id)) this.#cancel(id);
      },
      taken: (bytes) => this.#send({ kind: 'taken', id, bytes }),
    });
    this.#streams.set(id, stream);
    this.#send({ kind: 'open', id, path: `/${method.parent.typeName}/${method.name}` });
    return stream;
  }

  probe(timeoutMs: number): void {
    const connection = this.#connection;
    if (connection?.isReady !== true || this.#isProbed) return;
    this.#isProbed = true;
    this.#post(connection, { kind: 'ping' });
    const { process } = this.#around;
    process.afterMs(timeoutMs, () =>
      // If this process stood still, the answer may wait.
      process.nextTurn(() => {
        if (this.#isProbed && this.#connection === connection) this.#drop('The server does not answer pings');
      }),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#drop('The client was closed');
  }

  #send(message: ClientMessage): void {
    if (this.#isClosed) {
      const { id } = message as { id: number };
      queueMicrotask(() => this.#lose([id], false, 'The client was closed'));
      return;
    }
    const connection = (this.#connection ??= this.#connect());
    if (connection.isReady) this.#post(connection, message);
    else connection.early.push(message);
  }

  #post(connection: Connection, message: ClientMessage): void {
    const sent = this.#around.onSend(this.#server, message);
    connection.wire.send(this.#around.party, () => connection.there?.onMessage(sent));
  }

  /** True when the request may have reached the server. */
  #cancel(id: number): boolean {
    const connection = this.#connection;
    if (connection === undefined) return false;
    if (connection.isReady) {
      this.#post(connection, { kind: 'cancel', id });
      return true;
    }
    connection.early = connection.early.filter((message) => !('id' in message) || message.id !== id);
    return false;
  }

  #connect(): Connection {
    const { network, party, process } = this.#around;
    const wire = network.open(party, this.#server);
    const connection: Connection = { wire, there: undefined, isReady: false, early: [] };
    wire.join(party, {
      process,
      onLost: () => {
        if (this.#connection === connection) this.#drop('The connection was lost');
      },
    });
    wire.dial(
      (listener) => {
        const server = this.#around.serverAt(this.#server);
        if (server === undefined) return;
        const there = new ServerConnection(listener.process, wire, this.#server, server, (message) => {
          if (this.#connection === connection) this.#onMessage(connection, message);
        });
        connection.there = there;
        there.begin();
      },
      () => {
        if (this.#connection === connection) this.#drop('No connection could be made');
      },
    );
    process.afterMs(CONNECT_TIMEOUT_MS, () => {
      if (this.#connection === connection && !connection.isReady) this.#drop('No connection in time');
    });
    return connection;
  }

  #onMessage(connection: Connection, arrived: ServerMessage): void {
    const message = this.#around.onMessage(this.#server, arrived);
    switch (message.kind) {
      case 'settings': {
        connection.isReady = true;
        const { early } = connection;
        connection.early = [];
        for (const waiting of early) this.#post(connection, waiting);
        return;
      }
      case 'pong':
        this.#isProbed = false;
        this.aliveAtMs = performance.now();
        return;
      case 'answer':
        return this.#calls.get(message.id)?.({ kind: 'answer', bytes: message.bytes });
      case 'failure':
        return this.#calls.get(message.id)?.(message.result);
      case 'message':
        return this.#streams.get(message.id)?.onMessage(message.bytes);
      case 'taken':
        return this.#streams.get(message.id)?.onTaken(message.bytes);
      case 'end': {
        const stream = this.#streams.get(message.id);
        this.#streams.delete(message.id);
        return stream?.onEnd(message.end);
      }
    }
  }

  /** The connection is gone, and all that was under way on it. */
  #drop(reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    this.#isProbed = false;
    connection.wire.close(this.#around.party);
    this.#lose([...this.#calls.keys(), ...this.#streams.keys()], connection.isReady, reason);
  }

  #lose(ids: readonly number[], sent: boolean, reason: string): void {
    const lost = { kind: 'lost', sent, reason, cause: undefined } as const;
    for (const id of ids) {
      const call = this.#calls.get(id);
      const stream = this.#streams.get(id);
      this.#calls.delete(id);
      this.#streams.delete(id);
      call?.(lost);
      stream?.onEnd(lost);
    }
  }
}

/** What a stream does to its channel. */
interface StreamHooks {
  readonly send: (bytes: Uint8Array) => void;
  readonly defer: (callback: () => void) => void;
  readonly close: () => void;
  readonly taken: (bytes: number) => void;
}

/** One stream of a channel. */
class SimulatedStream implements ChannelStream {
  readonly #listener: StreamListener;
  readonly #hooks: StreamHooks;
  #buffered = 0;
  #isFull = false;
  #isOver = false;

  constructor(listener: StreamListener, hooks: StreamHooks) {
    this.#listener = listener;
    this.#hooks = hooks;
  }

  send(message: Uint8Array): boolean {
    if (this.#isOver) return true;
    this.#buffered += message.byteLength;
    this.#hooks.send(message.slice());
    this.#isFull = this.#buffered > BUFFERED_BYTES_MAX;
    return !this.#isFull;
  }

  defer(callback: () => void): void {
    this.#hooks.defer(callback);
  }

  keepAlive(): void {
    // A simulated process lives until it is killed.
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hooks.close();
  }

  onMessage(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#hooks.taken(bytes.byteLength);
    this.#listener.onMessage(bytes);
  }

  onTaken(bytes: number): void {
    this.#buffered -= bytes;
    if (!this.#isFull || this.#isOver || this.#buffered > 0) return;
    this.#isFull = false;
    this.#listener.onDrain();
  }

  onEnd(end: StreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onEnd(end);
  }
}
