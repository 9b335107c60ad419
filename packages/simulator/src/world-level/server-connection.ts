import type { ConnectError } from '@connectrpc/connect';
import { refusalOf, type CallAnswer, type CallDoor, type LaneStream, type LaneStreamEvents } from '@zkl/server/testing';
import type { ClientMessage, ServerMessage } from './call-messages.js';
import type { VirtualProcess } from './virtual-process.js';
import type { Party, Wire } from './world-network.js';

/** A server as its clients' connections see it. */
export interface CallServer {
  /** Undefined while it starts. */
  readonly door: CallDoor | undefined;
  /** What may wait for a client's reading on one stream, in bytes, before the stream is not writable any more. */
  readonly bufferedBytesMax: number;
}

/** A gRPC message's prefix, which the lane's frames have: 1 byte of flags, and a length. */
const PREFIX_BYTES = 5;

/** The server's end of a client's connection: calls and streams for the server's door, as HTTP/2 would bring them. */
export class ServerConnection {
  readonly #wire: Wire;
  readonly #party: Party;
  readonly #server: CallServer;
  readonly #arrive: (message: ServerMessage) => void;
  readonly #calls = new Map<number, () => void>();
  readonly #streams = new Map<number, DoorStream>();

  /** `arrive`: hands a message to the client's end, when it has come there. */
  constructor(
    process: VirtualProcess,
    wire: Wire,
    party: Party,
    server: CallServer,
    arrive: (message: ServerMessage) => void,
  ) {
    this.#wire = wire;
    this.#party = party;
    this.#server = server;
    this.#arrive = arrive;
    wire.join(party, { process, onLost: () => this.#onLost() });
  }

  begin(): void {
    this.#send({ kind: 'settings' });
  }

  onMessage(message: ClientMessage): void {
    switch (message.kind) {
      case 'ping':
        return this.#send({ kind: 'pong' });
      case 'call':
        return this.#call(message);
      case 'open':
        return this.#open(message.id, message.path);
      case 'message':
        return this.#streams.get(message.id)?.onMessage(message.bytes);
      case 'taken':
        return this.#streams.get(message.id)?.onTaken(message.bytes);
      case 'cancel':
        this.#calls.get(message.id)?.();
        this.#calls.delete(message.id);
        this.#streams.get(message.id)?.onGone();
        this.#streams.delete(message.id);
    }
  }

  #send(message: ServerMessage): void {
    this.#wire.send(this.#party, () => this.#arrive(message));
  }

  #call({ id, path, bytes, timeoutMs }: Extract<ClientMessage, { kind: 'call' }>): void {
    const { door } = this.#server;
    if (door === undefined) return this.#send({ kind: 'failure', id, result: STARTING });
    const cancel = door.call(path, bytes, timeoutMs, (answer) => {
      this.#calls.delete(id);
      this.#send(toMessage(id, answer));
    });
    this.#calls.set(id, cancel);
  }

  #open(id: number, path: string): void {
    const { door, bufferedBytesMax } = this.#server;
    if (door === undefined) return this.#send({ kind: 'end', id, end: STARTING });
    const stream = new DoorStream(bufferedBytesMax, {
      send: (bytes) => this.#send({ kind: 'message', id, bytes }),
      taken: (bytes) => this.#send({ kind: 'taken', id, bytes }),
      end: (error) => {
        this.#streams.delete(id);
        const end =
          error === undefined
            ? ({ kind: 'lost', sent: true, reason: 'The server ended the stream', cause: undefined } as const)
            : refusalOf(error);
        this.#send({ kind: 'end', id, end });
      },
    });
    this.#streams.set(id, stream);
    if (!door.stream(path, stream)) this.#send({ kind: 'end', id, end: { kind: 'unimplemented' } });
  }

  #onLost(): void {
    for (const cancel of this.#calls.values()) cancel();
    for (const stream of this.#streams.values()) stream.onGone();
    this.#calls.clear();
    this.#streams.clear();
  }
}

/** As HTTP status 503 of a server that recovers its data. */
const STARTING = {
  kind: 'lost',
  sent: true,
  reason: 'The server answered with HTTP status 503',
  cause: undefined,
} as const;

function toMessage(id: number, answer: CallAnswer): ServerMessage {
  if (answer.kind === 'answer') return { kind: 'answer', id, bytes: answer.message };
  if (answer.kind === 'refused') return { kind: 'failure', id, result: answer };
  return { kind: 'failure', id, result: { kind: 'refused', code: 'unimplemented', message: '', detail: undefined } };
}

/** What a stream does to its connection. */
interface DoorStreamHooks {
  readonly send: (bytes: Uint8Array) => void;
  readonly taken: (bytes: number) => void;
  readonly end: (error: ConnectError | undefined) => void;
}

/** A stream of the lane that messages come to from the virtual network. */
class DoorStream implements LaneStream {
  readonly #bufferedBytesMax: number;
  readonly #hooks: DoorStreamHooks;
  #events: LaneStreamEvents | undefined;
  readonly #waiting: Uint8Array[] = [];
  #isPaused = false;
  #buffered = 0;
  #wasFull = false;
  #isOver = false;

  constructor(bufferedBytesMax: number, hooks: DoorStreamHooks) {
    this.#bufferedBytesMax = bufferedBytesMax;
    this.#hooks = hooks;
  }

  get writable(): boolean {
    const isWritable = !this.#isOver && this.#buffered < this.#bufferedBytesMax;
    if (!isWritable) this.#wasFull = true;
    return isWritable;
  }

  open(events: LaneStreamEvents): void {
    this.#events = events;
  }

  send(frame: Uint8Array): void {
    if (this.#isOver) return;
    // The bytes may be shared between streams, and are the client's own where they arrive.
    const bytes = frame.slice(PREFIX_BYTES);
    this.#buffered += bytes.byteLength;
    this.#hooks.send(bytes);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    while (!this.#isPaused && this.#waiting.length > 0) this.#take(this.#waiting.shift()!);
  }

  end(error?: ConnectError): void {
    if (this.#isOver) return;
    this.#hooks.end(error);
    this.onGone();
  }

  onMessage(bytes: Uint8Array): void {
    if (this.#isPaused) this.#waiting.push(bytes);
    else this.#take(bytes);
  }

  onTaken(bytes: number): void {
    this.#buffered -= bytes;
    if (!this.#wasFull || this.#isOver || this.#buffered > 0) return;
    this.#wasFull = false;
    this.#events?.onWritable();
  }

  onGone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const events = this.#events;
    queueMicrotask(() => events?.onClose());
  }

  #take(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#hooks.taken(bytes.byteLength);
    this.#events?.onMessage(bytes);
  }
}
