import type { Zxid } from '@zkl/consensus';
import type { ReadError, ZnodeStateMachine } from '@zkl/state-machine';
import {
  ERROR_CODES,
  QUERY_CHILDREN,
  QUERY_COUNT,
  QUERY_EXISTS,
  QUERY_GET,
  QUERY_MULTI,
  QUERY_QUOTA,
  QUERY_REGISTER,
  WITH_DATA,
  WITH_STAT,
  type ErrorCode,
  type OperationReader,
  type RefusedReply,
  type Reply,
  type SingleReply,
} from '@zkl/wire';
import { MULTI_READ_BYTES_MAX, MULTI_READS_MAX } from '../services/znode-reads.js';

/** Answers the read that the reader has come to, from the state as it is now. */
export function answerQuery(state: ZnodeStateMachine, reader: OperationReader, leaderId: number): Reply {
  const zxid = state.appliedZxid;
  if (reader.query === QUERY_REGISTER) return { kind: 'register', zxid, ...state.register() };
  if (reader.query !== QUERY_MULTI) return answerOne(state, reader, zxid, leaderId);
  if (reader.queriesLeft > MULTI_READS_MAX) return refusedReply('BAD_ARGUMENTS', zxid, leaderId);
  const answers: SingleReply[] = [];
  for (let bytes = 0; reader.nextQuery();) {
    const answer =
      bytes > MULTI_READ_BYTES_MAX
        ? refusedReply('MESSAGE_TOO_LARGE', zxid, leaderId)
        : answerOne(state, reader, zxid, leaderId);
    bytes += weigh(answer);
    answers.push(answer);
  }
  return { kind: 'multi', zxid, answers };
}

function answerOne(state: ZnodeStateMachine, reader: OperationReader, zxid: Zxid, leaderId: number): SingleReply {
  const { path } = reader;
  const refuse = (error: ReadError): RefusedReply => refusedReply(error.code, zxid, leaderId, error.path);
  switch (reader.query) {
    case QUERY_GET: {
      const answer = state.get(path);
      return answer.kind === 'error' ? refuse(answer) : { ...answer, zxid };
    }
    case QUERY_EXISTS: {
      const answer = state.exists(path);
      return answer.kind === 'error' ? refuse(answer) : { ...answer, zxid };
    }
    case QUERY_CHILDREN: {
      const { pageSize, startAfter, flags } = reader;
      const answer = state.children(path, {
        startAfter,
        ...(pageSize === 0 ? {} : { limit: pageSize }),
        withStat: (flags & WITH_STAT) !== 0,
        withData: (flags & WITH_DATA) !== 0,
      });
      return answer.kind === 'error' ? refuse(answer) : { ...answer, zxid };
    }
    case QUERY_COUNT: {
      const answer = state.count(path);
      return answer.kind === 'error' ? refuse(answer) : { ...answer, zxid };
    }
    case QUERY_QUOTA: {
      const answer = state.quota(path);
      return answer.kind === 'error' ? refuse(answer) : { ...answer, zxid };
    }
    default:
      return refusedReply('UNIMPLEMENTED', zxid, leaderId, path);
  }
}

/** Why an operation has no answer. `mayBeApplied`: of a write, that it may have been applied all the same. */
export function refusedReply(
  code: ErrorCode,
  zxid: Zxid,
  leaderId: number,
  path?: string,
  write?: { readonly mayBeApplied: boolean; readonly hasWriteId: boolean },
): RefusedReply {
  const mayBeApplied = write?.mayBeApplied === true;
  return {
    kind: 'refused',
    zxid,
    code,
    outcome: mayBeApplied ? 'unknown' : 'rejected',
    retryable: mayBeApplied ? write.hasWriteId : ERROR_CODES[code].retryable,
    path,
    leaderId,
  };
}

function weigh(answer: SingleReply): number {
  if (answer.kind === 'node') return 128 + (answer.data?.byteLength ?? 0);
  if (answer.kind !== 'children') return 128;
  return answer.children.reduce((sum, { name, data }) => sum + 112 + name.length + (data?.byteLength ?? 0), 128);
}
