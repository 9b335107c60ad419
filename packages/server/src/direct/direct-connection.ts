import type { Socket } from 'node:net';
import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zkl/protocol';
import {
  CALL_GREETING,
  CALL_MAGIC,
  decodeCallStart,
  decodeClose,
  decodePing,
  decodeSelect,
  encodeCallEnd,
  encodeGoing,
  encodePing,
  encodeSelect,
  FRAME_CALL,
  FRAME_CLOSE,
  FRAME_MESSAGE,
  FRAME_PING,
  FRAME_PONG,
  FRAME_SELECT,
  FrameCutter,
  type CallRefusal,
  type CallStart,
} from '@zkl/wire';
import { toConnectError } from '../errors/connect-error.js';
import type { Arrival, Intake } from '../http/intake.js';
import { refusalOf, type CallAnswer, type CallDoor } from '../lane/call-door.js';
import { frameOf } from '../lane/grpc-body.js';
import type { ResolvedPortLimits } from '../port/port-limits.js';
import { ControlWindow, ResetBucket } from '../port/flood-limits.js';
import { rejected } from '../request/failure.js';
import { DirectStream, type StreamCarrier } from './direct-stream.js';

/** What a connection's socket has not taken, at most, before its streams are not writable. */
const BUFFERED_BYTES_MAX = 256 * 1024;
/** And before no more is read from it: whoever does not read the answers to calls gets no more of them. */
const CLOGGED_BYTES = 4 * 1024 * 1024;

/** What the connections of a port share. */
export interface DirectOptions {
  /** Undefined while the server starts. */
  readonly door: () => CallDoor | undefined;
  /** Bytes of one message. */
  readonly readMaxBytes: number;
  readonly intake: Intake;
}

/** A call that is under way. */
interface Served {
  /** A message of the client. */
  onMessage(message: Uint8Array): void;
  /** The client says no more. */
  onSaidAll(): void;
  /** Nobody waits for an answer. */
  onGone(): void;
}

/**
 * One connection of a client that speaks frames: its calls, for the server's door. All of them share the socket, so while one of them, or the
 * socket, can take no more, nothing is read.
 */
export class DirectConnection implements StreamCarrier {
  readonly #socket: Socket;
  readonly #options: DirectOptions;
  readonly #limits: ResolvedPortLimits;
  readonly #cutter: FrameCutter;
  readonly #calls = new Map<number, Served>();
  /** Made when they are needed: a connection that lives quietly needs neither. */
  #control: ControlWindow | undefined;
  #resets: ResetBucket | undefined;
  /** Whose messages come, and whose were sent last. */
  #incoming = 0;
  #outgoing = 0;
  /** Streams that take no more at present. */
  readonly #paused = new Set<number>();
  #isClogged = false;
  #isReading = false;
  #isGoing = false;
  #isOver = false;
  #arrival: Arrival | undefined;
  /** When a call ended last, or the connection began. */
  idleSinceMs = performance.now();
  /** Whether anything came since this was last set to false. */
  heard = true;
  /** It was silent, and was asked whether it lives. */
  askedAtTurn = false;

  /** `head`: what was read already, the magic included. The socket is paused. */
  constructor(socket: Socket, head: Buffer, options: DirectOptions, limits: ResolvedPortLimits) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = limits;
    this.#cutter = new FrameCutter(options.readMaxBytes);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => this.#onDrain());
    // Half a connection is of no use, whatever the socket was made to allow.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#onClose());
    socket.write(CALL_GREETING);
    if (head.byteLength > CALL_MAGIC.byteLength) this.#cutter.push(head.subarray(CALL_MAGIC.byteLength));
    this.#read();
  }

  /** Calls that are under way. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Takes no new calls, and ends when those under way have. */
  goAway(): void {
    if (this.#isGoing || this.#isOver) return;
    this.#isGoing = true;
    this.#socket.write(encodeGoing());
    this.#endIfDone();
  }

  /** Asks whether the client lives. */
  ping(): void {
    if (!this.#isOver) this.#socket.write(encodePing(FRAME_PING, 0));
  }

  get isWritable(): boolean {
    return !this.#isOver && this.#socket.writableLength < BUFFERED_BYTES_MAX;
  }

  pause(id: number): void {
    this.#paused.add(id);
  }

  resume(id: number): void {
    if (this.#paused.delete(id)) this.#read();
  }

  /** Ends a stream. */
  end(id: number, error: ConnectError | undefined): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#end(id, error === undefined ? undefined : refusalIn(refusalOf(error)));
    call.onGone();
  }

  /** Sends a message of a call, as a frame. */
  send(id: number, frame: Uint8Array): void {
    if (this.#isOver || !this.#calls.has(id)) return;
    if (this.#outgoing === id) return this.#write(frame);
    this.#outgoing = id;
    this.#socket.cork();
    this.#socket.write(encodeSelect(id));
    this.#write(frame);
    this.#socket.uncork();
  }

  /** Ends the connection now. */
  destroy(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.heard = true;
    this.#cutter.push(chunk);
    this.#read();
  }

  /** Reads frames as long as somebody takes them. */
  #read(): void {
    // A stream that takes messages again from within its own is served by the loop that called it.
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#isOver && !this.#isHeld && this.#cutter.next()) {
        if (!this.#onFrame(this.#cutter.kind, this.#cutter.payload)) return this.destroy();
      }
    } finally {
      this.#isReading = false;
    }
    if (this.#isOver) return undefined;
    if (this.#cutter.isTooLarge) return this.#refuseTooLarge();
    if (this.#isHeld) this.#socket.pause();
    else this.#socket.resume();
    return this.#await();
  }

  get #isHeld(): boolean {
    return this.#isClogged || this.#paused.size > 0;
  }

  /** The rest of a frame has to come in time, and what is there of it counts; but what does not come because nothing is read is not the client's fault. */
  #await(): void {
    const { held } = this.#cutter;
    if (held === 0 || this.#isHeld) {
      this.#arrival?.end();
      this.#arrival = undefined;
      return;
    }
    this.#arrival ??= this.#options.intake.begin((why) => this.#failAll(toConnectError(rejected(why), 0)));
    this.#arrival.hold(held);
  }

  /** False: no client of ours says such a thing. */
  #onFrame(kind: number, payload: Uint8Array): boolean {
    switch (kind) {
      case FRAME_MESSAGE:
        // Of a call that has ended meanwhile: the client did not know.
        this.#calls.get(this.#incoming)?.onMessage(payload);
        return this.#incoming !== 0;
      case FRAME_CALL:
        return this.#onCall(decodeCallStart(payload));
      case FRAME_SELECT:
        this.#incoming = decodeSelect(payload) ?? 0;
        return this.#incoming !== 0;
      case FRAME_CLOSE:
        return this.#onCloseFrame(decodeClose(payload));
      case FRAME_PING:
        return this.#onPing(decodePing(payload));
      case FRAME_PONG:
        return decodePing(payload) !== undefined && this.#admitControl();
      default:
        return false;
    }
  }

  #admitControl(): boolean {
    return (this.#control ??= new ControlWindow(this.#limits.http2ControlFramesMax)).admit();
  }

  #onPing(number: number | undefined): boolean {
    if (number === undefined || !this.#admitControl()) return false;
    this.#write(encodePing(FRAME_PONG, number));
    return true;
  }

  #onCall(start: CallStart | undefined): boolean {
    if (start === undefined || this.#calls.has(start.id)) return false;
    const { id } = start;
    this.#incoming = id;
    const door = this.#options.door();
    if (door === undefined || this.#isGoing) this.#end(id, UNAVAILABLE);
    else if (this.#calls.size >= this.#limits.http2StreamsMax)
      this.#end(id, refusalIn(refusalOf(toConnectError(rejected('THROTTLED'), 0))));
    else this.#serve(door, start);
    return true;
  }

  #serve(door: CallDoor, start: CallStart): void {
    const { id, path } = start;
    const stream = new DirectStream(this, id);
    this.#calls.set(id, stream);
    // A call with a limit in time is none of the streams that the door has: those live for as long as they are wanted.
    if (door.stream(path, stream)) return;
    this.#calls.set(id, new UnaryCall(door, start, (answer) => this.#onAnswer(id, answer)));
  }

  #onCloseFrame(close: { readonly id: number; readonly gaveUp: boolean } | undefined): boolean {
    if (close === undefined) return false;
    const call = this.#calls.get(close.id);
    if (call === undefined) return this.#admitControl();
    if (!close.gaveUp) {
      call.onSaidAll();
      return true;
    }
    this.#forget(close.id);
    call.onGone();
    return (this.#resets ??= new ResetBucket(this.#limits)).admit();
  }

  #onAnswer(id: number, answer: CallAnswer): void {
    if (!this.#calls.has(id)) return;
    if (answer.kind === 'answer') {
      this.send(id, frameOf(answer.message));
      this.#end(id, undefined);
    } else if (answer.kind === 'unimplemented') this.#end(id, UNIMPLEMENTED);
    else this.#end(id, refusalIn(answer));
  }

  /** Tells the client how a call ended. */
  #end(id: number, refusal: CallRefusal | undefined): void {
    this.#forget(id);
    this.#write(encodeCallEnd({ id, refusal }));
    this.#endIfDone();
  }

  #forget(id: number): void {
    this.#calls.delete(id);
    if (this.#calls.size === 0) this.idleSinceMs = performance.now();
    if (this.#paused.delete(id)) this.#read();
  }

  #endIfDone(): void {
    if (!this.#isGoing || this.#calls.size > 0 || this.#isOver) return;
    this.#socket.end();
    // What still comes is of no use.
    this.#socket.resume();
  }

  #write(bytes: Uint8Array): void {
    if (this.#isOver || this.#socket.writableEnded) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength >= CLOGGED_BYTES) this.#isClogged = true;
  }

  #onDrain(): void {
    const wasClogged = this.#isClogged;
    this.#isClogged = false;
    for (const call of [...this.#calls.values()]) if (call instanceof DirectStream) call.onWritable();
    if (wasClogged) this.#read();
  }

  #refuseTooLarge(): void {
    const { readMaxBytes } = this.#options;
    const why = `the message is larger than ${readMaxBytes} bytes`;
    this.#failAll(new ConnectError(why, Code.ResourceExhausted));
  }

  /** What comes next cannot be read: the call that it is of is told why, and the connection ends. */
  #failAll(error: ConnectError): void {
    const id = this.#incoming;
    const call = this.#calls.get(id);
    if (call !== undefined) {
      this.#end(id, refusalIn(refusalOf(error)));
      call.onGone();
    }
    this.#socket.destroySoon();
  }

  #onClose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#arrival?.end();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.onGone();
  }
}

/** A unary call: the client's message, and then the door. */
class UnaryCall implements Served {
  readonly #door: CallDoor;
  readonly #start: CallStart;
  readonly #onAnswer: (answer: CallAnswer) => void;
  #cancel: (() => void) | undefined;

  constructor(door: CallDoor, start: CallStart, onAnswer: (answer: CallAnswer) => void) {
    this.#door = door;
    this.#start = start;
    this.#onAnswer = onAnswer;
  }

  onMessage(message: Uint8Array): void {
    const { path, timeoutMs } = this.#start;
    // There is one request, and what comes after it is none of it.
    this.#cancel ??= this.#door.call(path, message, timeoutMs, this.#onAnswer);
  }

  onSaidAll(): void {
    if (this.#cancel !== undefined) return;
    const answer = refusalOf(new ConnectError('no message', Code.InvalidArgument));
    this.#onAnswer(answer);
  }

  onGone(): void {
    this.#cancel?.();
  }
}

const NONE = new Uint8Array(0);
const UNIMPLEMENTED: CallRefusal = { code: 'unimplemented', message: '', detail: NONE };
/** The server starts, or stops: another try may do. */
const UNAVAILABLE: CallRefusal = { code: 'unavailable', message: '', detail: NONE };

function refusalIn({ code, message, detail }: ReturnType<typeof refusalOf>): CallRefusal {
  return { code, message, detail: detail === undefined ? NONE : toBinary(ErrorDetailSchema, detail) };
}
