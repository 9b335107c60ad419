import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Zxid } from '@zkl/consensus';
import { AttachRequestSchema, AttachResponseSchema, type AttachRequest, type AttachResponse } from '@zkl/protocol';
import { rejected, type Failure } from '../request/failure.js';
import { tellStream } from '../services/attach-service.js';
import { goodbyeMessage, stepMessage, welcomeMessage, type OutboxContext } from '../stream/attach-messages.js';
import { SessionStream, type SessionStreamDependencies } from '../stream/session-stream.js';
import type { StreamPort, StreamStep } from '../stream/stream-output.js';
import { operationsOf, repliesFrame } from './attach-frames.js';
import { eventsFrame } from './events-frame.js';
import { frameOf } from './grpc-body.js';
import type { LaneStream } from './lane-stream.js';

/** Serves a session stream on the lane: the same SessionStream as over Connect, with less between it and the socket. */
export function attachOnLane(lane: LaneStream, dependencies: SessionStreamDependencies, context: OutboxContext): void {
  const stream = new SessionStream(dependencies, new LanePort(lane, context));
  const waiting: AttachRequest[] = [];
  let inputEnded = false;
  // One chunk of the socket may bring several messages: those that come while the stream takes no more wait here.
  const goOn = (): void => {
    while (waiting.length > 0 && (stream.wantsMore || stream.ended)) tellStream(stream, waiting.shift()!);
    if (waiting.length === 0) lane.resume();
    if (waiting.length === 0 && inputEnded) stream.onInputEnd();
  };
  stream.onWantsMore = goOn;
  lane.open({
    onMessage: (bytes) => {
      const operations = waiting.length === 0 && stream.wantsMore ? operationsOf(bytes) : undefined;
      if (operations !== undefined) return stream.onOperations(operations);
      const request = decode(bytes);
      if (request === undefined) return stream.end(rejected('MARSHALLING_ERROR'));
      // The first, which is the hello, is what makes the stream want more.
      const isFirst = !stream.greeted;
      if (isFirst || (waiting.length === 0 && stream.wantsMore)) tellStream(stream, request);
      else waiting.push(request);
      if (waiting.length > 0) lane.pause();
      return undefined;
    },
    onEnd: () => {
      inputEnded = true;
      goOn();
    },
    onWritable: () => stream.onWritable(),
    onClose: () => stream.end(),
  });
}

class LanePort implements StreamPort {
  readonly #lane: LaneStream;
  readonly #context: OutboxContext;

  constructor(lane: LaneStream, context: OutboxContext) {
    this.#lane = lane;
    this.#context = context;
  }

  get writable(): boolean {
    return this.#lane.writable;
  }

  welcome(zxid: Zxid, timeoutMs: number): void {
    this.#send(welcomeMessage(this.#context, zxid, timeoutMs));
  }

  step(step: StreamStep): void {
    const { events, replies, pong, leader } = step;
    const [only] = events;
    if (pong !== 0 || leader !== undefined) this.#send(stepMessage(step));
    else if (only === undefined) this.#lane.send(repliesFrame(replies));
    else if (events.length === 1 && only?.batch !== undefined && replies.byteLength === 0) {
      this.#lane.send(eventsFrame(only.batch, only.ids));
    } else this.#send(stepMessage(step));
  }

  goodbye(failure: Failure | undefined): void {
    if (failure !== undefined) this.#send(goodbyeMessage(this.#context, failure));
    this.#lane.end();
  }

  #send(message: AttachResponse): void {
    this.#lane.send(frameOf(toBinary(AttachResponseSchema, message)));
  }
}

function decode(bytes: Uint8Array): AttachRequest | undefined {
  try {
    return fromBinary(AttachRequestSchema, bytes);
  } catch {
    return undefined;
  }
}
