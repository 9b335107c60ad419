import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import {
  create,
  fromBinary,
  isMessage,
  toBinary,
  type DescMethodUnary,
  type DescService,
  type Message,
} from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { parseTimeout, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { addGrpcDetail } from '../http/framework-errors.js';
import type { Intake } from '../http/intake.js';
import type { Logger } from '../observability/logger.js';
import { frameOf, readMessage } from './grpc-body.js';
import { LaneCall } from './lane-call.js';
import { refusalOf, type CallAnswer, type CallDoor } from './call-door.js';
import { Http2LaneStream, type LaneStream } from './lane-stream.js';

/** Options of `GrpcLane`. */
export interface GrpcLaneOptions {
  /** Bytes of one request's message. */
  readonly readMaxBytes: number;
  readonly intake: Intake;
  readonly logger: Logger;
}

interface LaneMethod {
  readonly desc: DescMethodUnary;
  readonly call: (request: Message, context: HandlerContext) => Promise<Message> | Message;
}

/** A call that gives more than this is refused by Connect too. */
const TIMEOUT_MS_MAX = 2 ** 53;

const REPLY_HEADERS: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };
const WITH_TRAILERS = { waitForTrailers: true };
const OK_TRAILERS: OutgoingHttpHeaders = { 'grpc-status': '0' };
const CONTENT_TYPES: ReadonlySet<string | undefined> = new Set(['application/grpc', 'application/grpc+proto']);

/**
 * A fast lane for plain unary gRPC: the same services, and the same answers, without the adapters between node:http2 and Connect, which cost ten times
 * what a call needs. It takes what every gRPC client sends in everyday use; anything else (JSON, compression, streams, other protocols, browsers)
 * is left to Connect, so nobody has to know of it.
 */
export class GrpcLane implements CallDoor {
  readonly #options: GrpcLaneOptions;
  readonly #methods = new Map<string, LaneMethod>();
  readonly #streams = new Map<string, (stream: LaneStream) => void>();

  constructor(options: GrpcLaneOptions) {
    this.#options = options;
  }

  /** Puts the unary methods of a service on the lane. Its implementation may use of the context what `LaneContext` has. */
  add<S extends DescService>(service: S, implementation: Partial<ServiceImpl<S>>): void {
    for (const desc of service.methods) {
      const call = implementation[desc.localName as keyof ServiceImpl<S>] as LaneMethod['call'] | undefined;
      if (desc.methodKind !== 'unary' || call === undefined) continue;
      this.#methods.set(`/${service.typeName}/${desc.name}`, { desc: desc as DescMethodUnary, call });
    }
  }

  /** Puts a streaming method on the lane: `open` serves each of its calls, and calls `LaneStream.open`. Calls with a deadline are left to Connect. */
  addStream(path: string, open: (stream: LaneStream) => void): void {
    this.#streams.set(path, open);
  }

  /** Serves a call that came as a whole message, by whatever way. */
  call(
    path: string,
    message: Uint8Array,
    timeoutMs: number | undefined,
    done: (answer: CallAnswer) => void,
  ): () => void {
    const method = this.#methods.get(path);
    if (method === undefined) {
      queueMicrotask(() => done({ kind: 'unimplemented' }));
      return () => undefined;
    }
    const call = new LaneCall(method.desc, timeoutMs);
    this.#answer(method, message, call).then(
      (reply) => done({ kind: 'answer', message: reply }),
      (error: unknown) => done(refusalOf(error as ConnectError)),
    );
    return () => call.signal.abort();
  }

  /** Serves a stream of whole messages. */
  stream(path: string, stream: LaneStream): boolean {
    const open = this.#streams.get(path);
    open?.(stream);
    return open !== undefined;
  }

  /** Takes a request, or answers false and has not touched it. */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const open = this.#streams.get(headers[':path'] ?? '');
    if (open !== undefined && isPlain(headers) && headers['grpc-timeout'] === undefined) {
      open(new Http2LaneStream(stream, this.#options));
      return true;
    }
    const method = this.#methods.get(headers[':path'] ?? '');
    if (method === undefined || !isPlain(headers)) return false;
    const timeout = parseTimeout((headers['grpc-timeout'] as string | null) ?? null, TIMEOUT_MS_MAX);
    if (timeout.error !== undefined) return false;
    // A stream that fails ends the call, and nothing else: its caller is gone.
    stream.on('error', ignore);
    const call = new LaneCall(method.desc, timeout.timeoutMs);
    // Not `aborted`, which does not come when the caller had sent all it had to send. After the answer nobody listens any more.
    const onClose = (): void => call.signal.abort();
    readMessage(stream, this.#options.readMaxBytes, this.#options.intake, onClose, (message, error) => {
      if (message === undefined) fail(stream, error ?? new ConnectError('no message', Code.InvalidArgument));
      else void this.#serve(stream, method, message, call);
    });
    return true;
  }

  async #serve(stream: ServerHttp2Stream, method: LaneMethod, message: Uint8Array, context: LaneCall): Promise<void> {
    try {
      succeed(stream, await this.#answer(method, message, context));
    } catch (error) {
      fail(stream, error as ConnectError);
    }
  }

  /** Rejects with a ConnectError, and nothing else. */
  async #answer({ desc, call }: LaneMethod, message: Uint8Array, context: LaneCall): Promise<Uint8Array> {
    try {
      const request = decode(desc, message);
      const reply = await call(request, context as unknown as HandlerContext);
      return toBinary(desc.output, isMessage(reply) ? reply : create(desc.output, reply));
    } catch (error) {
      if (error instanceof ConnectError) throw error;
      this.#options.logger.error(
        { event: 'defect', method: desc.name, error },
        'a request failed in a way that nobody expected',
      );
      throw new ConnectError('internal error', Code.Internal);
    }
  }
}

function ignore(): void {
  // See where it listens.
}

/** Everyday gRPC: binary, not compressed, and no browser, whose origin has to be looked at. */
function isPlain(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['grpc-encoding'];
  return (
    headers[':method'] === 'POST' &&
    CONTENT_TYPES.has(headers['content-type']) &&
    (encoding === undefined || encoding === 'identity') &&
    headers['content-encoding'] === undefined &&
    headers.origin === undefined &&
    headers.expect === undefined
  );
}

function decode(desc: DescMethodUnary, message: Uint8Array): Message {
  try {
    return fromBinary(desc.input, message);
  } catch (error) {
    throw new ConnectError(
      `parse binary: ${error instanceof Error ? error.message : String(error)}`,
      Code.InvalidArgument,
    );
  }
}

function succeed(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(REPLY_HEADERS, WITH_TRAILERS);
  stream.on('wantTrailers', sendOk);
  stream.end(frameOf(message));
}

function sendOk(this: ServerHttp2Stream): void {
  if (!this.destroyed && !this.closed) this.sendTrailers(OK_TRAILERS);
}

/** Trailers only: a failed call has no message. */
function fail(stream: ServerHttp2Stream, error: ConnectError): void {
  if (stream.destroyed || stream.closed) return;
  const trailers = setTrailerStatus(new Headers(error.metadata), error);
  addGrpcDetail(trailers);
  stream.respond({ ...REPLY_HEADERS, ...Object.fromEntries(trailers) }, { endStream: true });
  // What the caller still sends is of no use.
  if (!stream.readableEnded) stream.resume();
}
