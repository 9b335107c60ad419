import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  ChildSchema,
  CountResponseSchema,
  ExistsResponseSchema,
  GetQuotaResponseSchema,
  GetResponseSchema,
  ListChildrenResponseSchema,
  MultiReadResponseSchema,
  QuotaSchema,
  ReadResultSchema,
  type Child,
  type CountResponse,
  type ExistsResponse,
  type GetQuotaResponse,
  type GetResponse,
  type ListChildrenRequest,
  type ListChildrenResponse,
  type ReadOperation,
  type ReadResult,
  type ResponseHeader,
  type ZnodeService,
} from '@zkl/protocol';
import { PAGE_BYTES_DEFAULT, PAGE_CHILDREN_MAX, type ChildEntry, type ReadError } from '@zkl/state-machine';
import { rejected, type Failure } from '../request/failure.js';
import type { Edge } from './edge.js';
import { pathFailure } from './request-checks.js';
import { statToProto } from './stat-codec.js';
import { failureDetail } from './failure-detail.js';

type Reads = 'get' | 'exists' | 'listChildren' | 'multiRead' | 'count' | 'getQuota';

/** Reads in one multi-read, at most. */
export const MULTI_READS_MAX = 1_024;
/** What a multi-read gives in all, about: the rest of its reads is refused (MESSAGE_TOO_LARGE). */
export const MULTI_READ_BYTES_MAX = 4 * PAGE_BYTES_DEFAULT;

/** The reads of ZnodeService. */
export function znodeReads(edge: Edge): Pick<ServiceImpl<typeof ZnodeService>, Reads> {
  return {
    get: ({ path, read }, context) =>
      edge.read(context, read, (header) => get(edge, path, header), pathFailure(path, false)),
    exists: ({ path, read }, context) =>
      edge.read(context, read, (header) => exists(edge, path, header), pathFailure(path, false)),
    listChildren: (request, context) =>
      edge.read(context, request.read, (header) => listChildren(edge, request, header), pageFailure(request)),
    multiRead: ({ reads, read }, context) =>
      edge.read(
        context,
        read,
        (header) => create(MultiReadResponseSchema, { header, results: readAll(edge, reads) }),
        reads.length > MULTI_READS_MAX
          ? rejected('BAD_ARGUMENTS', { message: `A multi-read has at most ${MULTI_READS_MAX} reads.` })
          : undefined,
      ),
    count: ({ path, read }, context) =>
      edge.read(context, read, (header) => count(edge, path, header), pathFailure(path, false)),
    getQuota: ({ path, read }, context) =>
      edge.read(context, read, (header) => getQuota(edge, path, header), pathFailure(path, false)),
  };
}

function get(edge: Edge, path: string, header?: ResponseHeader): GetResponse | Failure {
  const answer = edge.state.get(path);
  if (answer.kind === 'error') return failureOfRead(answer);
  const reply = create(GetResponseSchema, { stat: statToProto(answer.stat) });
  if (header !== undefined) reply.header = header;
  if (answer.data !== null) reply.data = answer.data;
  return reply;
}

function exists(edge: Edge, path: string, header?: ResponseHeader): ExistsResponse | Failure {
  const answer = edge.state.exists(path);
  if (answer.kind === 'error') return failureOfRead(answer);
  const reply = create(ExistsResponseSchema, {});
  if (header !== undefined) reply.header = header;
  if (answer.stat !== undefined) reply.stat = statToProto(answer.stat);
  return reply;
}

function listChildren(
  edge: Edge,
  { path, startAfter, pageSize, withStat, withData }: ListChildrenRequest,
  header?: ResponseHeader,
): ListChildrenResponse | Failure {
  const answer = edge.state.children(path, {
    ...(startAfter === '' ? {} : { startAfter }),
    ...(pageSize === 0 ? {} : { limit: pageSize }),
    withStat,
    withData,
  });
  if (answer.kind === 'error') return failureOfRead(answer);
  const children = answer.children.map(childToProto);
  const reply = create(ListChildrenResponseSchema, { children, more: answer.more, stat: statToProto(answer.stat) });
  if (header !== undefined) reply.header = header;
  return reply;
}

function count(edge: Edge, path: string, header: ResponseHeader): CountResponse | Failure {
  const answer = edge.state.count(path);
  if (answer.kind === 'error') return failureOfRead(answer);
  return create(CountResponseSchema, { header, count: BigInt(answer.count) });
}

function getQuota(edge: Edge, path: string, header: ResponseHeader): GetQuotaResponse | Failure {
  const answer = edge.state.quota(path);
  if (answer.kind === 'error') return failureOfRead(answer);
  const { quota, count: nodes, bytes } = answer;
  const reply = create(GetQuotaResponseSchema, { header, count: BigInt(nodes), bytes: BigInt(bytes) });
  if (quota === undefined) return reply;
  reply.quota = create(QuotaSchema);
  for (const name of ['countSoft', 'countHard', 'bytesSoft', 'bytesHard'] as const) {
    const bound = quota[name];
    if (bound !== undefined) reply.quota[name] = BigInt(bound);
  }
  return reply;
}

/** All in one turn, so of one state. */
function readAll(edge: Edge, reads: readonly ReadOperation[]): ReadResult[] {
  let bytes = 0;
  return reads.map((read) => {
    const kind: ReadResult['kind'] =
      bytes > MULTI_READ_BYTES_MAX ? failed(rejected('MESSAGE_TOO_LARGE')) : readOne(edge, read);
    bytes += weigh(kind);
    return create(ReadResultSchema, { kind });
  });
}

function readOne(edge: Edge, { kind }: ReadOperation): ReadResult['kind'] {
  if (kind.case === undefined) return failed(rejected('BAD_ARGUMENTS'));
  const failure = kind.case === 'listChildren' ? pageFailure(kind.value) : pathFailure(kind.value.path, false);
  if (failure !== undefined) return failed(failure);
  switch (kind.case) {
    case 'get': {
      const value = get(edge, kind.value.path);
      return isFailure(value) ? failed(value) : { case: 'get', value };
    }
    case 'exists': {
      const value = exists(edge, kind.value.path);
      return isFailure(value) ? failed(value) : { case: 'exists', value };
    }
    case 'listChildren': {
      const value = listChildren(edge, kind.value);
      return isFailure(value) ? failed(value) : { case: 'listChildren', value };
    }
  }
}

function failed(failure: Failure): ReadResult['kind'] {
  return { case: 'failure', value: failureDetail(failure.code, failure.path) };
}

function isFailure(reply: object): reply is Failure {
  return !('$typeName' in reply);
}

/** What a result of a multi-read weighs, about. */
function weigh(kind: ReadResult['kind']): number {
  if (kind.case === 'get') return 128 + (kind.value.data?.byteLength ?? 0);
  if (kind.case !== 'listChildren') return 128;
  return kind.value.children.reduce(
    (sum, { name, stat, data }) => sum + 16 + name.length + (stat === undefined ? 0 : 96) + (data?.byteLength ?? 0),
    128,
  );
}

function pageFailure({ path, pageSize }: ListChildrenRequest): Failure | undefined {
  if (pageSize <= PAGE_CHILDREN_MAX) return pathFailure(path, false);
  return rejected('BAD_ARGUMENTS', { path, message: `page_size must be in 0 .. ${PAGE_CHILDREN_MAX}.` });
}

function childToProto(child: ChildEntry): Child {
  const reply = create(ChildSchema, { name: child.name });
  if (child.stat !== undefined) reply.stat = statToProto(child.stat);
  if (child.data !== undefined && child.data !== null) reply.data = child.data;
  return reply;
}

function failureOfRead(error: ReadError): Failure {
  return rejected(error.code, { path: error.path });
}
