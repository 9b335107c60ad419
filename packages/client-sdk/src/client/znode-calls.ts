import { isSequential, type ChildrenQuery, type CreateMode, type PathQuery, type Reply } from '@zkl/wire';
import { encodeData } from '../codec/data.js';
import {
  toChildrenPage,
  toCountResult,
  toCreateResult,
  toDeleteRecursiveResult,
  toDeleteResult,
  toExistsResult,
  toGetResult,
  toQuotaResult,
  toQuotaSetResult,
  toSetResult,
} from '../codec/results.js';
import type { CallOptions } from '../options/call-options.js';
import { requirePath } from '../options/path.js';
import { badArguments, flag, onlyKnown, show, wholeNumber } from '../options/validate.js';
import type { Origin } from '../stream/operation.js';
import { checkCallOptions } from './call-arguments.js';
import type { Caller } from './caller.js';
import type { ChildrenOptions, ConditionalWriteOptions, CreateOptions, DataInput, ReadCallOptions } from './client.js';
import { resolveCreateMode } from './create-mode.js';
import { READ_OPTION_NAMES } from './read-options.js';
import type {
  ChildrenPage,
  CountResult,
  CreateResult,
  DeleteRecursiveResult,
  GetResult,
  Quota,
  QuotaResult,
  SetResult,
  Stat,
  WriteResult,
} from './results.js';

const CHILDREN_OPTION_NAMES = [...READ_OPTION_NAMES, 'withStat', 'withData', 'pageSize', 'startAfter'];
/** Children a page, at most. */
const PAGE_SIZE_MAX = 10_000;
const PAGE_SIZE_DEFAULT = 1_000;

/** {@link Calls.create} */
export function createZnode(
  caller: Caller,
  path: string,
  data: DataInput | undefined,
  options: CreateOptions,
): Promise<CreateResult> {
  checkCallOptions('create', options, ['sequential', 'mode', 'ttlMs', 'ifAbsent']);
  const { mode, ttlMs } = resolveCreateMode(options);
  requireSessionFor(caller, mode);
  requirePath(path, isSequential(mode));
  const ifAbsent = requireIfAbsent(options.ifAbsent, mode);
  const bytes = encodeData(data, caller.dispatcher.options.messageBytesMax, path);
  const rooted = caller.rooted(path);
  return caller.write(
    { kind: 'create', path: rooted, data: bytes ?? null, mode, ttlMs, ifAbsent },
    path,
    bytes?.byteLength ?? 0,
    (reply, origin) => toCreateResult(reply, origin, rooted, caller.root),
    options,
  );
}

/** An ephemeral needs a session. @throws {@link BadArgumentsError} */
export function requireSessionFor(caller: Caller, mode: CreateMode): void {
  if (caller.hasSession || (mode !== 'ephemeral' && mode !== 'ephemeralSequential')) return;
  throw badArguments('An ephemeral znode belongs to a session', 'Create it with a session of client.session()');
}

/** @throws {@link BadArgumentsError} */
export function requireIfAbsent(given: unknown, mode: CreateMode): boolean {
  const ifAbsent = flag('ifAbsent', given, false);
  if (ifAbsent && isSequential(mode)) throw badArguments('ifAbsent does not go with a sequential znode');
  return ifAbsent;
}

/** {@link Calls.get} */
export function getZnode(caller: Caller, path: string, options: ReadCallOptions): Promise<GetResult> {
  return readPath(caller, 'get', path, toGetResult, options);
}

/** {@link Calls.exists} */
export function statZnode(caller: Caller, path: string, options: ReadCallOptions): Promise<Stat | undefined> {
  return readPath(caller, 'exists', path, toExistsResult, options);
}

/** {@link Calls.count} */
export function countZnodes(caller: Caller, path: string, options: ReadCallOptions): Promise<CountResult> {
  return readPath(caller, 'count', path, toCountResult, options);
}

/** {@link Calls.quota} */
export function readQuota(caller: Caller, path: string, options: ReadCallOptions): Promise<QuotaResult> {
  return readPath(caller, 'quota', path, toQuotaResult, options);
}

function readPath<T>(
  caller: Caller,
  kind: PathQuery['kind'],
  path: string,
  toResult: (reply: Reply, origin: Origin) => T,
  options: ReadCallOptions,
): Promise<T> {
  checkCallOptions(kind, options, READ_OPTION_NAMES);
  requirePath(path);
  return caller.read<T>({ kind, path: caller.rooted(path) }, path, toResult, options);
}

/** {@link Calls.set} */
export function setZnode(
  caller: Caller,
  path: string,
  data: DataInput,
  options: ConditionalWriteOptions,
): Promise<SetResult> {
  checkCallOptions('set', options, ['version']);
  requirePath(path);
  const expectedVersion = requireVersion(options.version);
  const bytes = encodeData(data, caller.dispatcher.options.messageBytesMax, path);
  return caller.write(
    { kind: 'set', path: caller.rooted(path), data: bytes ?? null, expectedVersion },
    path,
    bytes?.byteLength ?? 0,
    toSetResult,
    options,
  );
}

/** {@link Calls.delete} */
export function deleteZnode(caller: Caller, path: string, options: ConditionalWriteOptions): Promise<WriteResult> {
  checkCallOptions('delete', options, ['version']);
  requirePath(path);
  const expectedVersion = requireVersion(options.version);
  return caller.write({ kind: 'delete', path: caller.rooted(path), expectedVersion }, path, 0, toDeleteResult, options);
}

/** {@link Calls.deleteRecursive} */
export function deleteSubtree(
  caller: Caller,
  path: string,
  options: ConditionalWriteOptions,
): Promise<DeleteRecursiveResult> {
  checkCallOptions('deleteRecursive', options, ['version']);
  requirePath(path);
  const expectedVersion = requireVersion(options.version);
  const command = { kind: 'deleteRecursive', path: caller.rooted(path), expectedVersion } as const;
  return caller.write(command, path, 0, toDeleteRecursiveResult, options);
}

/** {@link Calls.setQuota} */
export function writeQuota(
  caller: Caller,
  path: string,
  quota: Quota | null,
  options: CallOptions,
): Promise<WriteResult> {
  checkCallOptions('setQuota', options, []);
  requirePath(path);
  if (quota !== null) {
    if (typeof quota !== 'object') throw badArguments(`The quota is ${show(quota)}`, 'Give its bounds, or null');
    onlyKnown('the quota', quota, ['countSoft', 'countHard', 'bytesSoft', 'bytesHard']);
    for (const [name, bound] of Object.entries(quota)) wholeNumber(name, bound, 0, Number.MAX_SAFE_INTEGER, 0);
  }
  return caller.write({ kind: 'setQuota', path: caller.rooted(path), quota }, path, 0, toQuotaSetResult, options);
}

/** {@link Calls.listChildren} */
export function listChildren(caller: Caller, path: string, options: ChildrenOptions): Promise<ChildrenPage> {
  checkCallOptions('listChildren', options, CHILDREN_OPTION_NAMES);
  const query = childrenQuery(path, options);
  return caller.read(
    { ...query, path: caller.rooted(path) },
    path,
    (reply, origin) => toChildrenPage(reply, origin, query),
    options,
  );
}

/** What a page of children is asked for by; the path is the caller's. @throws {@link BadArgumentsError} */
export function childrenQuery(
  path: string,
  options: Pick<ChildrenOptions, 'startAfter' | 'withStat' | 'withData' | 'pageSize'>,
): ChildrenQuery {
  requirePath(path);
  return {
    kind: 'children',
    path,
    startAfter: requireName(options.startAfter),
    withStat: flag('withStat', options.withStat, false),
    withData: flag('withData', options.withData, false),
    pageSize: wholeNumber('pageSize', options.pageSize, 1, PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT),
  };
}

/** An expected version, -1 for any. @throws {@link BadArgumentsError} */
export function requireVersion(version: unknown): number {
  return wholeNumber('version', version, -1, 0x7fff_ffff, -1);
}

function requireName(name: unknown): string {
  if (name === undefined) return '';
  if (typeof name !== 'string' || name.includes('/'))
    throw badArguments(`startAfter is ${show(name)}`, 'Give the name of a child');
  return name;
}
