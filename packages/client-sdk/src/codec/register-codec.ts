import type * as proto from '@zkl/protocol';
import { requireHeader } from '../calls/operation.js';
import type { RegisterGuessResult, RegisterReadResult, RegisterWriteResult } from '../client/results.js';
import { decodeText, ownBytes } from './data.js';

export function toRegisterWriteResult(reply: proto.WriteResponse): RegisterWriteResult {
  const { zxid, leaderId } = requireHeader(reply.header);
  return { version: reply.version, zxid, leaderId };
}

export function toRegisterReadResult(reply: proto.ReadResponse): RegisterReadResult {
  const { zxid, serverId } = requireHeader(reply.header);
  const value = ownBytes(reply.value);
  const { version, mzxid, guesses, hits } = reply;
  return { value, text: () => decodeText(value), version, mzxid, guesses, hits, zxid, serverId };
}

export function toRegisterGuessResult(reply: proto.GuessResponse): RegisterGuessResult {
  const { zxid } = requireHeader(reply.header);
  return { matched: reply.matched, leaderId: reply.leaderId, version: reply.version, zxid };
}
