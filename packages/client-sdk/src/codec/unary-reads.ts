import { create } from '@bufbuild/protobuf';
import {
  CountRequestSchema,
  ExistsRequestSchema,
  GetQuotaRequestSchema,
  GetRequestSchema,
  ListChildrenRequestSchema,
  MultiReadRequestSchema,
  ReadOperationSchema,
  ReadRequestSchema,
  RegisterService,
  ZnodeService,
  type ExistsResponse,
  type GetResponse,
  type ListChildrenResponse,
  type ReadOptions,
  type ReadResult,
} from '@zkl/protocol';
import {
  ERROR_CODES,
  type ChildrenQuery,
  type ErrorCode,
  type Query,
  type Reply,
  type SingleQuery,
  type SingleReply,
  type Zxid,
} from '@zkl/wire';
import { GarbledReply, requireHeader } from '../calls/operation.js';
import type { Dispatcher } from '../client/dispatcher.js';
import type { CallOptions } from '../options/call-options.js';
import type { Route } from '../routing/router.js';
import type { Origin } from '../stream/operation.js';
import { toWireStat } from './unary-stat.js';
import { toZxid } from './zxid.js';

/** What stands beside a read. */
export interface UnaryRead<T> {
  readonly path: string | undefined;
  readonly route: Route;
  readonly read: () => ReadOptions;
  readonly toResult: (reply: Reply, origin: Origin) => T;
}

/** Sends a read as a unary call: the messages of the proto in place of the bytes of the stream. */
// eslint-disable-next-line max-lines-per-function -- one case for each kind, which nothing joins
export function readUnary<T>(
  dispatcher: Dispatcher,
  query: Query,
  { path, route, read, toResult }: UnaryRead<T>,
  options: CallOptions,
): Promise<T> {
  const base = { route, ...(path !== undefined && { path }) };
  const of = (reply: { readonly header?: Parameters<typeof requireHeader>[0] }) => requireHeader(reply.header);
  const zxidOf = (reply: Parameters<typeof of>[0]) => toZxid(of(reply).zxid);
  switch (query.kind) {
    case 'get':
      return dispatcher.read(
        {
          ...base,
          method: ZnodeService.method.get,
          request: () => create(GetRequestSchema, { path: query.path, read: read() }),
          view: of,
          result: (reply) => toResult(toNode(reply, zxidOf(reply)), of(reply)),
        },
        options,
      );
    case 'exists':
      return dispatcher.read(
        {
          ...base,
          method: ZnodeService.method.exists,
          request: () => create(ExistsRequestSchema, { path: query.path, read: read() }),
          view: of,
          result: (reply) => toResult(toExists(reply, zxidOf(reply)), of(reply)),
        },
        options,
      );
    case 'children':
      return dispatcher.read(
        {
          ...base,
          method: ZnodeService.method.listChildren,
          request: () => create(ListChildrenRequestSchema, { ...childrenFields(query), read: read() }),
          view: of,
          result: (reply) => toResult(toChildren(reply, query, zxidOf(reply)), of(reply)),
        },
        options,
      );
    case 'count':
      return dispatcher.read(
        {
          ...base,
          method: ZnodeService.method.count,
          request: () => create(CountRequestSchema, { path: query.path, read: read() }),
          view: of,
          result: (reply) => toResult({ kind: 'count', zxid: zxidOf(reply), count: Number(reply.count) }, of(reply)),
        },
        options,
      );
    case 'quota':
      return dispatcher.read(
        {
          ...base,
          method: ZnodeService.method.getQuota,
          request: () => create(GetQuotaRequestSchema, { path: query.path, read: read() }),
          view: of,
          result: (reply) => {
            const number = (value: bigint | undefined) => (value === undefined ? undefined : Number(value));
            const quota = reply.quota && {
              countSoft: number(reply.quota.countSoft),
              countHard: number(reply.quota.countHard),
              bytesSoft: number(reply.quota.bytesSoft),
              bytesHard: number(reply.quota.bytesHard),
            };
            const [count, bytes] = [Number(reply.count), Number(reply.bytes)];
            return toResult({ kind: 'quota', zxid: zxidOf(reply), quota, count, bytes }, of(reply));
          },
        },
        options,
      );
    case 'register':
      return dispatcher.read(
        {
          ...base,
          method: RegisterService.method.read,
          request: () => create(ReadRequestSchema, { read: read() }),
          view: of,
          result: (reply) => {
            const { value, version, mzxid, guesses, hits } = reply;
            const counts = { guesses: Number(guesses), hits: Number(hits) };
            return toResult(
              { kind: 'register', zxid: zxidOf(reply), value, version, mzxid: toZxid(mzxid), ...counts },
              of(reply),
            );
          },
        },
        options,
      );
    case 'multi':
      return dispatcher.read(
        {
          ...base,
          method: ZnodeService.method.multiRead,
          request: () => create(MultiReadRequestSchema, { reads: query.reads.map(toReadOperation), read: read() }),
          view: of,
          result: (reply) => {
            const zxid = zxidOf(reply);
            if (reply.results.length !== query.reads.length)
              throw new GarbledReply('The reply has not one for each read');
            const answers = reply.results.map((result, index) => toSingle(result, query.reads[index]!, zxid));
            return toResult({ kind: 'multi', zxid, answers }, of(reply));
          },
        },
        options,
      );
  }
}

function childrenFields({ path, pageSize, startAfter, withStat, withData }: ChildrenQuery) {
  return { path, pageSize, startAfter, withStat, withData };
}

function toReadOperation(query: SingleQuery) {
  switch (query.kind) {
    case 'get':
    case 'exists':
      return create(ReadOperationSchema, { kind: { case: query.kind, value: { path: query.path } } });
    case 'children':
      return create(ReadOperationSchema, { kind: { case: 'listChildren', value: childrenFields(query) } });
    default:
      throw new RangeError(`a multi-read has no ${query.kind} here`);
  }
}

function toSingle({ kind }: ReadResult, query: SingleQuery, zxid: Zxid): SingleReply {
  switch (kind.case) {
    case 'get':
      return toNode(kind.value, zxid);
    case 'exists':
      return toExists(kind.value, zxid);
    case 'listChildren':
      if (query.kind !== 'children') break;
      return toChildren(kind.value, query, zxid);
    case 'failure': {
      const { code, path, retryable, leaderId } = kind.value;
      if (!Object.hasOwn(ERROR_CODES, code)) throw new GarbledReply(`The reply has an unknown code: ${code}`);
      const where = path === '' ? undefined : path;
      return { kind: 'refused', zxid, code: code as ErrorCode, outcome: 'rejected', retryable, path: where, leaderId };
    }
    case undefined:
      break;
  }
  throw new GarbledReply('The reply does not fit what was read');
}

function toNode(reply: GetResponse, zxid: Zxid): SingleReply {
  return { kind: 'node', zxid, data: reply.data ?? null, stat: toWireStat(reply.stat) };
}

function toExists(reply: ExistsResponse, zxid: Zxid): SingleReply {
  return { kind: 'exists', zxid, stat: reply.stat && toWireStat(reply.stat) };
}

function toChildren(reply: ListChildrenResponse, query: ChildrenQuery, zxid: Zxid): SingleReply {
  const children = reply.children.map(({ name, stat, data }) => ({
    name,
    stat: query.withStat ? toWireStat(stat) : undefined,
    data: query.withData ? (data ?? null) : undefined,
  }));
  return { kind: 'children', zxid, children, more: reply.more, stat: toWireStat(reply.stat) };
}
