import { create } from '@bufbuild/protobuf';
import {
  CreateRequestSchema,
  DeleteRequestSchema,
  ExistsRequestSchema,
  GetRequestSchema,
  ListChildrenRequestSchema,
  SetRequestSchema,
  ZnodeService,
} from '@zkl/protocol';
import { requireHeader } from '../calls/operation.js';
import { encodeData } from '../codec/data.js';
import {
  toChildrenPage,
  toCreateResult,
  toExistsResult,
  toGetResult,
  toSetResult,
  toWriteResult,
} from '../codec/znode-codec.js';
import { requirePath } from '../options/path.js';
import { badArguments, flag, show, wholeNumber } from '../options/validate.js';
import { checkCallOptions } from './call-arguments.js';
import type { ChildrenOptions, ConditionalWriteOptions, CreateOptions, DataInput, ReadCallOptions } from './client.js';
import type { Dispatcher } from './dispatcher.js';
import { READ_OPTION_NAMES, resolveRead } from './read-options.js';
import type { ChildrenPage, CreateResult, GetResult, SetResult, Stat, WriteResult } from './results.js';

const CHILDREN_OPTION_NAMES = [...READ_OPTION_NAMES, 'withStat', 'withData', 'pageSize', 'startAfter'];
/** Children a page, at most. */
const PAGE_SIZE_MAX = 10_000;
const PAGE_SIZE_DEFAULT = 1_000;

/** {@link Client.create} */
export async function createZnode(
  dispatcher: Dispatcher,
  path: string,
  data: DataInput | undefined,
  options: CreateOptions,
): Promise<CreateResult> {
  checkCallOptions('create', options, ['sequential']);
  const sequential = flag('sequential', options.sequential, false);
  requirePath(path, sequential);
  const bytes = encodeData(data, dispatcher.options.messageBytesMax, path);
  return dispatcher.write(
    {
      method: ZnodeService.method.create,
      path,
      bytes: bytes?.byteLength ?? 0,
      request: (writeId) => create(CreateRequestSchema, { writeId, path, sequential, ...(bytes && { data: bytes }) }),
      view: (reply) => requireHeader(reply.header),
      result: (reply) => toCreateResult(reply, path),
    },
    options,
  );
}

/** {@link Client.get} */
export async function getZnode(dispatcher: Dispatcher, path: string, options: ReadCallOptions): Promise<GetResult> {
  checkCallOptions('get', options, READ_OPTION_NAMES);
  requirePath(path);
  const { route, read } = resolveRead(dispatcher, options);
  return dispatcher.read(
    {
      method: ZnodeService.method.get,
      path,
      route,
      request: () => create(GetRequestSchema, { path, read: read() }),
      view: (reply) => requireHeader(reply.header),
      result: toGetResult,
    },
    options,
  );
}

/** {@link Client.set} */
export async function setZnode(
  dispatcher: Dispatcher,
  path: string,
  data: DataInput,
  options: ConditionalWriteOptions,
): Promise<SetResult> {
  checkCallOptions('set', options, ['version']);
  requirePath(path);
  const expectedVersion = requireVersion(options.version);
  const bytes = encodeData(data, dispatcher.options.messageBytesMax, path);
  return dispatcher.write(
    {
      method: ZnodeService.method.set,
      path,
      bytes: bytes?.byteLength ?? 0,
      request: (writeId) => create(SetRequestSchema, { writeId, path, expectedVersion, ...(bytes && { data: bytes }) }),
      view: (reply) => requireHeader(reply.header),
      result: toSetResult,
    },
    options,
  );
}

/** {@link Client.delete} */
export async function deleteZnode(
  dispatcher: Dispatcher,
  path: string,
  options: ConditionalWriteOptions,
): Promise<WriteResult> {
  checkCallOptions('delete', options, ['version']);
  requirePath(path);
  const expectedVersion = requireVersion(options.version);
  return dispatcher.write(
    {
      method: ZnodeService.method.delete,
      path,
      bytes: 0,
      request: (writeId) => create(DeleteRequestSchema, { writeId, path, expectedVersion }),
      view: (reply) => requireHeader(reply.header),
      result: toWriteResult,
    },
    options,
  );
}

/** {@link Client.exists} */
export async function statZnode(
  dispatcher: Dispatcher,
  path: string,
  options: ReadCallOptions,
): Promise<Stat | undefined> {
  checkCallOptions('exists', options, READ_OPTION_NAMES);
  requirePath(path);
  const { route, read } = resolveRead(dispatcher, options);
  return dispatcher.read(
    {
      method: ZnodeService.method.exists,
      path,
      route,
      request: () => create(ExistsRequestSchema, { path, read: read() }),
      view: (reply) => requireHeader(reply.header),
      result: toExistsResult,
    },
    options,
  );
}

/** {@link Client.listChildren} */
export async function listChildren(
  dispatcher: Dispatcher,
  path: string,
  options: ChildrenOptions,
): Promise<ChildrenPage> {
  checkCallOptions('listChildren', options, CHILDREN_OPTION_NAMES);
  requirePath(path);
  const { route, read } = resolveRead(dispatcher, options);
  const startAfter = requireName(options.startAfter);
  const withStat = flag('withStat', options.withStat, false);
  const withData = flag('withData', options.withData, false);
  const pageSize = wholeNumber('pageSize', options.pageSize, 1, PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT);
  return dispatcher.read(
    {
      method: ZnodeService.method.listChildren,
      path,
      route,
      request: () =>
        create(ListChildrenRequestSchema, { path, read: read(), pageSize, startAfter, withStat, withData }),
      view: (reply) => requireHeader(reply.header),
      result: (reply) => toChildrenPage(reply, { path, startAfter, withStat, withData }),
    },
    options,
  );
}

function requireVersion(version: unknown): number {
  return wholeNumber('version', version, -1, 0x7fff_ffff, -1);
}

function requireName(name: unknown): string {
  if (name === undefined) return '';
  if (typeof name !== 'string' || name.includes('/'))
    throw badArguments(`startAfter is ${show(name)}`, 'Give the name of a child');
  return name;
}
