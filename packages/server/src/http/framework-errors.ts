import { toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Code, encodeBinaryHeader } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { ErrorDetailSchema, type ErrorDetail } from '@zkl/protocol';
import type { ErrorCode } from '@zkl/state-machine';
import { errorDetail } from '../errors/connect-error.js';
import { rejected } from '../request/failure.js';

/**
 * Connect makes some errors itself, before any code of ours runs: a message that cannot be decoded, that is larger than the limit, an encoding that
 * is not known. They have a code and a message but no typed detail. This adds it, so that clients need one way only to understand errors.
 * Responses that are no error pass untouched, and so do errors that have a detail, but for the encoding of gRPC's message.
 */
export async function withTypedError(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const contentType = response.header?.get('content-type') ?? '';
  if (response.status >= 400)
    return contentType === 'application/json' ? await connectError(response) : bareError(response);
  if (response.trailer !== undefined) {
    addGrpcDetail(response.trailer);
    return response;
  }
  return contentType.startsWith('application/grpc-web') ? grpcWebError(response) : response;
}

const TYPE_NAME = ErrorDetailSchema.typeName;

/** An error of Connect's own, as it is to reach the client. */
interface TypedError {
  readonly code: Code;
  readonly message: string;
  readonly detail: ErrorDetail;
}

/** Such a request reached no code of ours, so it certainly changed nothing. */
function typedError(code: Code, message: string): TypedError {
  // Connect calls frames and bytes that are no message an internal error; only its words tell them from a defect of ours.
  const isDefect = message === 'internal error' || message.startsWith('serialize ');
  const actual = code === Code.Internal && !isDefect ? Code.InvalidArgument : code;
  const detail = errorDetail(rejected(FRAMEWORK_CODES[actual] ?? 'SYSTEM_ERROR'), 0);
  return { code: actual, message: `${detail.code}: ${message}`, detail };
}

const FRAMEWORK_CODES: Readonly<Partial<Record<Code, ErrorCode>>> = {
  [Code.InvalidArgument]: 'MARSHALLING_ERROR',
  [Code.ResourceExhausted]: 'MESSAGE_TOO_LARGE',
  [Code.Unimplemented]: 'UNIMPLEMENTED',
  [Code.DeadlineExceeded]: 'REQUEST_TIMEOUT',
  [Code.Canceled]: 'CANCELLED',
  [Code.Unavailable]: 'SHUTTING_DOWN',
};

const CODES_BY_NAME: ReadonlyMap<string, Code> = new Map(
  Object.entries(Code).flatMap(([name, code]): [string, Code][] =>
    typeof code === 'number' ? [[name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase(), code]] : [],
  ),
);

const NAMES_BY_CODE: ReadonlyMap<Code, string> = new Map([...CODES_BY_NAME].map(([name, code]) => [code, name]));

/** Connect, unary: the body is `{"code": "...", "message": "...", "details": [...]}`. */
async function connectError(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const error = JSON.parse(body.toString('utf8')) as { code: string; message?: string; details?: unknown[] };
  if (error.details !== undefined) return { ...response, body: once(body) };
  const { code, message, detail } = typedError(CODES_BY_NAME.get(error.code) ?? Code.Unknown, error.message ?? '');
  const bytes = Buffer.from(
    JSON.stringify({ code: NAMES_BY_CODE.get(code), message, details: [connectDetail(detail)] }),
  );
  response.header?.set('content-length', String(bytes.byteLength));
  return { ...response, status: code === Code.InvalidArgument ? 400 : response.status, body: once(bytes) };
}

function connectDetail(detail: ErrorDetail): { type: string; value: string } {
  const value = Buffer.from(toBinary(ErrorDetailSchema, detail)).toString('base64').replace(/=+$/, '');
  return { type: TYPE_NAME, value };
}

/** No procedure was reached: a wrong method or content type. People who try with curl should see why. */
function bareError(response: UniversalServerResponse): UniversalServerResponse {
  const header = new Headers(response.header);
  header.set('content-type', 'application/json');
  const { message, detail } = typedError(
    Code.InvalidArgument,
    BARE_ERRORS.get(response.status) ?? 'the request cannot be served',
  );
  const bytes = Buffer.from(JSON.stringify({ code: 'invalid_argument', message, details: [connectDetail(detail)] }));
  return { ...response, header, body: once(bytes) };
}

const BARE_ERRORS: ReadonlyMap<number, string> = new Map([
  [405, 'use POST; GET is for procedures without side effects, with the message in the query'],
  [415, 'set Content-Type to application/json, application/proto, application/grpc or application/grpc-web'],
  [505, 'this procedure streams both ways, and needs HTTP/2'],
]);

/** gRPC: the error is in the trailers, complete by now because no message went before it. Adds the typed detail to an error that has none. */
export function addGrpcDetail(trailer: Headers): void {
  const code = Number(trailer.get('grpc-status') ?? 0);
  if (code === 0) return;
  const message = decodeURIComponent(trailer.get('grpc-message') ?? '');
  if (trailer.has('grpc-status-details-bin')) {
    trailer.set('grpc-message', encodeGrpcMessage(message));
    return;
  }
  const typed = typedError(code, message);
  trailer.set('grpc-status', String(typed.code));
  trailer.set('grpc-message', encodeGrpcMessage(typed.message));
  trailer.set('grpc-status-details-bin', encodeBinaryHeader(encodeStatus(typed)));
}

/** As gRPC demands, and no more: Connect encodes spaces and commas too, which some clients (grpc-js) do not decode. */
function encodeGrpcMessage(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character));
}

/** A google.rpc.Status with one detail. */
function encodeStatus({ code, message, detail }: TypedError): Uint8Array {
  const any = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(`type.googleapis.com/${TYPE_NAME}`)
    .tag(2, WireType.LengthDelimited)
    .bytes(toBinary(ErrorDetailSchema, detail));
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(code)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .tag(3, WireType.LengthDelimited)
    .bytes(any.finish())
    .finish();
}

const GRPC_WEB_TRAILER_FLAG = 0x80;

/** gRPC-Web: the error is in the body, as a last envelope that holds the trailers as text. */
function grpcWebError(response: UniversalServerResponse): UniversalServerResponse {
  const { body } = response;
  if (body === undefined) return response;
  return { ...response, body: withWebTrailers(body) };
}

async function* withWebTrailers(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) yield chunk[0] === GRPC_WEB_TRAILER_FLAG ? webTrailerWithDetail(chunk) : chunk;
}

function webTrailerWithDetail(chunk: Uint8Array): Uint8Array {
  const trailer = new Headers();
  for (const line of Buffer.from(chunk.subarray(5)).toString('latin1').split('\r\n')) {
    const at = line.indexOf(':');
    if (at > 0) trailer.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  if (Number(trailer.get('grpc-status') ?? 0) === 0) return chunk;
  addGrpcDetail(trailer);
  const text = Buffer.from([...trailer].map(([name, value]) => `${name}: ${value}\r\n`).join(''), 'latin1');
  const envelope = Buffer.alloc(5 + text.byteLength);
  envelope.writeUInt8(GRPC_WEB_TRAILER_FLAG, 0);
  envelope.writeUInt32BE(text.byteLength, 1);
  text.copy(envelope, 5);
  return envelope;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
