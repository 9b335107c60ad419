import type * as proto from '@zkl/protocol';
import { GarbledReply, requireHeader } from '../calls/operation.js';
import type { Child, ChildrenPage, CreateResult, GetResult, SetResult, Stat, WriteResult } from '../client/results.js';
import { decodeText, ownBytes } from './data.js';

function toStat(stat: proto.Stat | undefined): Stat {
  if (stat === undefined) throw new GarbledReply('The reply has no stat');
  return {
    czxid: stat.czxid,
    mzxid: stat.mzxid,
    pzxid: stat.pzxid,
    ctime: Number(stat.ctime),
    mtime: Number(stat.mtime),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: stat.ephemeralOwner,
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

/** @param prefix - The path that was asked for; a sequential znode's begins with it. */
export function toCreateResult(reply: proto.CreateResponse, prefix: string): CreateResult {
  if (!reply.path.startsWith(prefix)) throw new GarbledReply('The reply is about another path');
  return { path: reply.path, stat: toStat(reply.stat), zxid: requireHeader(reply.header).zxid };
}

export function toGetResult(reply: proto.GetResponse): GetResult {
  const { zxid, serverId } = requireHeader(reply.header);
  const data = ownBytes(reply.data);
  return { data, text: () => decodeText(data), stat: toStat(reply.stat), zxid, serverId };
}

export function toSetResult(reply: proto.SetResponse): SetResult {
  return { stat: toStat(reply.stat), zxid: requireHeader(reply.header).zxid };
}

export function toWriteResult(reply: proto.DeleteResponse): WriteResult {
  return { zxid: requireHeader(reply.header).zxid };
}

export function toExistsResult(reply: proto.ExistsResponse): Stat | undefined {
  requireHeader(reply.header);
  return reply.stat === undefined ? undefined : toStat(reply.stat);
}

/** What was asked for, where the reply must fit it. */
export interface PageRequest {
  readonly path: string;
  readonly startAfter: string;
  readonly withStat: boolean;
  readonly withData: boolean;
}

/**
 * Names must ascend from `startAfter`: else a broken server could keep a client reading for ever. Names have no surrogates, so the
 * order of UTF-16 is that of UTF-8.
 */
export function toChildrenPage(reply: proto.ListChildrenResponse, request: PageRequest): ChildrenPage {
  const { zxid, serverId } = requireHeader(reply.header);
  let last = request.startAfter;
  const children = reply.children.map((child) => {
    if (child.name <= last) throw new GarbledReply('The reply lists children out of order');
    last = child.name;
    return toChild(child, request);
  });
  if (reply.more && children.length === 0) throw new GarbledReply('The reply is an empty page of a list that goes on');
  return { children, more: reply.more, stat: toStat(reply.stat), zxid, serverId };
}

function toChild(child: proto.Child, request: PageRequest): Child {
  return {
    name: child.name,
    path: request.path === '/' ? `/${child.name}` : `${request.path}/${child.name}`,
    ...(request.withStat && { stat: toStat(child.stat) }),
    ...(request.withData && { data: ownBytes(child.data) }),
  };
}
