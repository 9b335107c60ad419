import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  ChildSchema,
  CreateResponseSchema,
  DeleteResponseSchema,
  ExistsResponseSchema,
  GetResponseSchema,
  ListChildrenResponseSchema,
  SetResponseSchema,
  type Child,
  type ListChildrenRequest,
  type ZnodeService,
} from '@zkl/protocol';
import { PAGE_CHILDREN_MAX, type ChildEntry, type ReadError } from '@zkl/state-machine';
import { rejected, type Failure } from '../request/failure.js';
import type { Edge } from './edge.js';
import { checked, pathFailure, valueFailure } from './request-checks.js';
import { statToProto } from './stat-codec.js';

/** ZnodeService: each method says how a request becomes a command or a read, and a result a reply. */
export function znodeService(edge: Edge): Partial<ServiceImpl<typeof ZnodeService>> {
  return { ...znodeWrites(edge), ...znodeReads(edge) };
}

function znodeWrites(edge: Edge): Pick<ServiceImpl<typeof ZnodeService>, 'create' | 'set' | 'delete'> {
  return {
    create: ({ path, data, sequential, writeId }, context) =>
      edge.write(
        context,
        checked([pathFailure(path, sequential), valueFailure(data, edge.valueBytesMax, path)], {
          kind: 'create',
          path,
          data: data ?? null,
          mode: sequential ? 'persistentSequential' : 'persistent',
        }),
        writeId,
        (result, header) =>
          result.kind === 'created'
            ? create(CreateResponseSchema, {
                header,
                path: result.path,
                stat: statToProto(result.stat),
                created: result.created,
              })
            : undefined,
      ),
    set: ({ path, data, expectedVersion, writeId }, context) =>
      edge.write(
        context,
        checked([pathFailure(path, false), valueFailure(data, edge.valueBytesMax, path)], {
          kind: 'set',
          path,
          data: data ?? null,
          expectedVersion: expectedVersion ?? -1,
        }),
        writeId,
        (result, header) =>
          result.kind === 'set' ? create(SetResponseSchema, { header, stat: statToProto(result.stat) }) : undefined,
      ),
    delete: ({ path, expectedVersion, writeId }, context) =>
      edge.write(
        context,
        checked([pathFailure(path, false)], { kind: 'delete', path, expectedVersion: expectedVersion ?? -1 }),
        writeId,
        (result, header) => (result.kind === 'deleted' ? create(DeleteResponseSchema, { header }) : undefined),
      ),
  };
}

function znodeReads(edge: Edge): Pick<ServiceImpl<typeof ZnodeService>, 'get' | 'exists' | 'listChildren'> {
  return {
    get: ({ path, read }, context) =>
      edge.read(
        context,
        read,
        (header) => {
          const answer = edge.state.get(path);
          if (answer.kind === 'error') return failureOfRead(answer);
          const reply = create(GetResponseSchema, { header, stat: statToProto(answer.stat) });
          if (answer.data !== null) reply.data = answer.data;
          return reply;
        },
        pathFailure(path, false),
      ),
    exists: ({ path, read }, context) =>
      edge.read(
        context,
        read,
        (header) => {
          const answer = edge.state.exists(path);
          if (answer.kind === 'error') return failureOfRead(answer);
          const reply = create(ExistsResponseSchema, { header });
          if (answer.stat !== undefined) reply.stat = statToProto(answer.stat);
          return reply;
        },
        pathFailure(path, false),
      ),
    listChildren: (request, context) =>
      edge.read(
        context,
        request.read,
        (header) => {
          const answer = edge.state.children(request.path, {
            ...(request.startAfter === '' ? {} : { startAfter: request.startAfter }),
            ...(request.pageSize === 0 ? {} : { limit: request.pageSize }),
            withStat: request.withStat,
            withData: request.withData,
          });
          if (answer.kind === 'error') return failureOfRead(answer);
          return create(ListChildrenResponseSchema, {
            header,
            children: answer.children.map(childToProto),
            more: answer.more,
            stat: statToProto(answer.stat),
          });
        },
        pageFailure(request),
      ),
  };
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
