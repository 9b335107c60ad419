import { create } from '@bufbuild/protobuf';
import type { Zxid } from '@zkl/consensus';
import { AttachResponseSchema, type AttachResponse, type ResponseHeader } from '@zkl/protocol';
import { ERROR_CODES } from '@zkl/wire';
import { errorDetail } from '../errors/connect-error.js';
import type { Failure } from '../request/failure.js';
import { STREAM_LAYOUT } from './stream-attachment.js';
import type { StreamStep } from './stream-output.js';

/** What the messages say of the server. */
export interface OutboxContext {
  readonly header: (zxid: Zxid) => ResponseHeader;
  readonly leaderId: () => number;
  readonly valueBytesMax: number;
}

/** The first message of a stream. */
export function welcomeMessage(context: OutboxContext, zxid: Zxid, timeoutMs: number): AttachResponse {
  const { header, valueBytesMax } = context;
  const welcome = { header: header(zxid), timeoutMs, layout: STREAM_LAYOUT, valueBytesMax };
  return create(AttachResponseSchema, { welcome });
}

/** Events, replies, a pong and who leads as a message. */
export function stepMessage({ events, replies, pong, leader }: StreamStep): AttachResponse {
  const response = create(AttachResponseSchema, { replies, pong: BigInt(pong), leader });
  // Their events are shared with other streams, and nobody changes them.
  response.events = events.map(({ message }) => message);
  return response;
}

/** The last message of a stream that the client did not end. */
export function goodbyeMessage(context: OutboxContext, failure: Failure): AttachResponse {
  const goodbye = errorDetail(failure, context.leaderId());
  // What is special about this case says more than the code's own words.
  goodbye.hint = failure.message ?? ERROR_CODES[failure.code].hint;
  return create(AttachResponseSchema, { goodbye });
}
