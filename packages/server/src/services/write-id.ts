import type { WriteId as ProtoWriteId } from '@zkl/protocol';
import { CLIENT_ID_CHARS_MAX, REQUEST_ID_MAX, type WriteId } from '@zkl/state-machine';
import { rejected, type Failure } from '../request/failure.js';

/** Reads a write id, or says what is wrong with it. */
export function readWriteId(id: ProtoWriteId): WriteId | Failure {
  const characters = [...id.clientId].length;
  if (characters < 1 || characters > CLIENT_ID_CHARS_MAX) {
    return rejected('BAD_ARGUMENTS', {
      message: `write_id.client_id must have 1 to ${CLIENT_ID_CHARS_MAX} characters.`,
    });
  }
  if (id.requestId < 1n || id.requestId > BigInt(REQUEST_ID_MAX)) {
    return rejected('BAD_ARGUMENTS', { message: 'write_id.request_id must be in 1 .. 2^53 - 1.' });
  }
  if (id.answeredThrough >= id.requestId) {
    return rejected('STALE_REQUEST', {
      message: 'write_id.answered_through says that this very request was answered.',
    });
  }
  return {
    clientId: id.clientId,
    requestId: Number(id.requestId),
    answeredThrough: Number(id.answeredThrough),
  };
}
