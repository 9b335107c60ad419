import type { ServerHttp2Stream } from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import { toConnectError } from '../errors/connect-error.js';
import type { Intake } from '../http/intake.js';
import { rejected } from '../request/failure.js';

/** A gRPC message's prefix: 1 byte of flags, and its length as a big-endian uint32. */
export const PREFIX_BYTES = 5;

const FLAG_COMPRESSED = 1;

/**
 * Collects the one message of a unary gRPC call, within what the intake allows. `done` is called once, with the message or with what is wrong; not at all when the stream ends before
 * the request does. `onClose` is called once when the stream has closed, whoever closed it: one listener for all that want to know, since each costs a call what a small
 * field of its message does.
 */
export function readMessage(
  stream: ServerHttp2Stream,
  readMaxBytes: number,
  intake: Intake,
  onClose: () => void,
  done: (message: Uint8Array | undefined, error: ConnectError | undefined) => void,
): void {
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let bytes = 0;
  let over = false;
  const fail = (error: ConnectError): void => {
    over = true;
    arrival.end();
    first = more = undefined;
    done(undefined, error);
  };
  const arrival = intake.begin((why) => fail(toConnectError(rejected(why), 0)));
  stream.on('close', () => {
    arrival.end();
    onClose();
  });
  stream.on('data', (chunk: Buffer) => {
    if (over) return;
    bytes += chunk.byteLength;
    arrival.hold(bytes);
    if (over) return;
    if (bytes > readMaxBytes + PREFIX_BYTES) return fail(tooLarge(readMaxBytes));
    if (first === undefined) first = chunk;
    else (more ??= [first]).push(chunk);
  });
  stream.on('end', () => {
    if (over) return;
    arrival.end();
    const body = more === undefined ? first : Buffer.concat(more, bytes);
    // As Connect, and the gRPC specification: zero messages is a number of messages that the method does not have.
    if (body === undefined) return fail(new ConnectError('missing input message', Code.Unimplemented));
    if (body.byteLength < PREFIX_BYTES) return fail(malformed('a prefix that is cut off'));
    if ((body[0]! & FLAG_COMPRESSED) !== 0)
      return fail(new ConnectError('a compressed message, but no grpc-encoding', Code.Internal));
    const length = body.readUInt32BE(1);
    if (length > body.byteLength - PREFIX_BYTES) return fail(malformed('a message that is cut off'));
    if (length < body.byteLength - PREFIX_BYTES)
      return fail(new ConnectError('more than one message', Code.Unimplemented));
    over = true;
    done(body.subarray(PREFIX_BYTES), undefined);
  });
}

/** A message with its prefix, in one piece. */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength);
  frame[0] = 0;
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

function tooLarge(readMaxBytes: number): ConnectError {
  return new ConnectError(`the message is larger than ${readMaxBytes} bytes`, Code.ResourceExhausted);
}

function malformed(what: string): ConnectError {
  return new ConnectError(`protocol error: ${what}`, Code.InvalidArgument);
}
