import type { ChildrenReply, Reply, Stat as WireStat, Zxid } from '@zkl/wire';
import { GarbledReply } from '../calls/operation.js';
import type {
  Child,
  ChildrenPage,
  CountResult,
  CreateResult,
  DeleteRecursiveResult,
  GetResult,
  QuotaResult,
  RegisterGuessResult,
  RegisterReadResult,
  RegisterWriteResult,
  SetResult,
  Stat,
  WriteResult,
} from '../client/results.js';
import type { Origin } from '../stream/operation.js';
import { decodeText, ownBytes } from './data.js';
import { toBigint } from './zxid.js';

/** The reply, if it is of the kind that was asked for. @throws {@link GarbledReply} */
export function expectKind<K extends Reply['kind']>(reply: Reply, kind: K): Extract<Reply, { kind: K }> {
  if (reply.kind !== kind) throw new GarbledReply(`The reply is ${reply.kind} where ${kind} was asked for`);
  return reply as Extract<Reply, { kind: K }>;
}

export function toStat(stat: WireStat): Stat {
  return {
    czxid: toBigint(stat.czxid),
    mzxid: toBigint(stat.mzxid),
    pzxid: toBigint(stat.pzxid),
    ctime: stat.ctimeMs,
    mtime: stat.mtimeMs,
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: toBigint(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

/** @param prefix - The path that was asked for; a sequential znode's begins with it. @param root - Taken off the path. */
export function toCreateResult(
  reply: Reply,
  { serverId, leaderId }: Origin,
  prefix: string,
  root: string,
): CreateResult {
  const { path, stat, created, zxid } = expectKind(reply, 'created');
  if (!path.startsWith(prefix)) throw new GarbledReply('The reply is about another path');
  return {
    path: root === '' ? path : path.slice(root.length),
    stat: toStat(stat),
    created,
    zxid: toBigint(zxid),
    serverId,
    leaderId,
  };
}

export function toSetResult(reply: Reply, { serverId, leaderId }: Origin): SetResult {
  const { stat, zxid } = expectKind(reply, 'set');
  return { stat: toStat(stat), zxid: toBigint(zxid), serverId, leaderId };
}

export function toDeleteResult(reply: Reply, origin: Origin): WriteResult {
  return toWriteResult(expectKind(reply, 'deleted').zxid, origin);
}

export function toQuotaSetResult(reply: Reply, origin: Origin): WriteResult {
  return toWriteResult(expectKind(reply, 'quotaSet').zxid, origin);
}

function toWriteResult(zxid: Zxid, { serverId, leaderId }: Origin): WriteResult {
  return { zxid: toBigint(zxid), serverId, leaderId };
}

export function toDeleteRecursiveResult(reply: Reply, { serverId, leaderId }: Origin): DeleteRecursiveResult {
  const { count, zxid } = expectKind(reply, 'deletedRecursive');
  return { deleted: count, zxid: toBigint(zxid), serverId, leaderId };
}

export function toGetResult(reply: Reply, { serverId, leaderId }: Origin): GetResult {
  const { stat, zxid, data: bytes } = expectKind(reply, 'node');
  const data = ownBytes(bytes ?? undefined);
  return { data, text: () => decodeText(data), stat: toStat(stat), zxid: toBigint(zxid), serverId, leaderId };
}

export function toExistsResult(reply: Reply): Stat | undefined {
  const { stat } = expectKind(reply, 'exists');
  return stat && toStat(stat);
}

export function toCountResult(reply: Reply, { serverId, leaderId }: Origin): CountResult {
  const { count, zxid } = expectKind(reply, 'count');
  return { count, zxid: toBigint(zxid), serverId, leaderId };
}

export function toQuotaResult(reply: Reply, { serverId, leaderId }: Origin): QuotaResult {
  const { quota, count, bytes, zxid } = expectKind(reply, 'quota');
  return { quota, count, bytes, zxid: toBigint(zxid), serverId, leaderId };
}

/** What was asked for, where the reply must fit it. */
export interface PageRequest {
  /** As the caller knows it. */
  readonly path: string;
  readonly startAfter: string;
  readonly withStat: boolean;
  readonly withData: boolean;
}

/**
 * Names must ascend from `startAfter`: else a broken server could keep a client reading for ever. Names have no surrogates, so the
 * order of UTF-16 is that of UTF-8.
 */
export function toChildrenPage(reply: Reply, { serverId, leaderId }: Origin, request: PageRequest): ChildrenPage {
  const page: ChildrenReply = expectKind(reply, 'children');
  let last = request.startAfter;
  const children = page.children.map((child) => {
    if (child.name <= last) throw new GarbledReply('The reply lists children out of order');
    last = child.name;
    return toChild(child, request);
  });
  if (page.more && children.length === 0) throw new GarbledReply('The reply is an empty page of a list that goes on');
  return { children, more: page.more, stat: toStat(page.stat), zxid: toBigint(page.zxid), serverId, leaderId };
}

function toChild({ name, stat, data }: ChildrenReply['children'][number], request: PageRequest): Child {
  if (request.withStat && stat === undefined) throw new GarbledReply('The reply has no stat');
  return {
    name,
    path: request.path === '/' ? `/${name}` : `${request.path}/${name}`,
    ...(request.withStat && stat !== undefined && { stat: toStat(stat) }),
    ...(request.withData && { data: ownBytes(data ?? undefined) }),
  };
}

export function toRegisterWriteResult(reply: Reply, { serverId, leaderId }: Origin): RegisterWriteResult {
  const { version, zxid } = expectKind(reply, 'registerWritten');
  return { version, zxid: toBigint(zxid), serverId, leaderId };
}

export function toRegisterReadResult(reply: Reply, { serverId, leaderId }: Origin): RegisterReadResult {
  const { value: bytes, version, mzxid, guesses, hits, zxid } = expectKind(reply, 'register');
  const value = ownBytes(bytes);
  const counts = { guesses: BigInt(guesses), hits: BigInt(hits) };
  const at = { mzxid: toBigint(mzxid), zxid: toBigint(zxid), serverId, leaderId };
  return { value, text: () => decodeText(value), version, ...counts, ...at };
}

export function toRegisterGuessResult(reply: Reply, { serverId }: Origin): RegisterGuessResult {
  const { matched, version, leader, zxid } = expectKind(reply, 'guessed');
  return { matched, leaderId: leader, version, zxid: toBigint(zxid), serverId };
}
