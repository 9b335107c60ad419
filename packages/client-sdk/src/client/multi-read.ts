import { ERROR_CODES, type Reply, type SingleQuery, type SingleReply } from '@zkl/wire';
import { expectKind, toChildrenPage, toExistsResult, toGetResult } from '../codec/results.js';
import { toBigint } from '../codec/zxid.js';
import { GarbledReply } from '../calls/operation.js';
import { makeError, type ZklError } from '../errors/zkl-error.js';
import { requirePath } from '../options/path.js';
import { badArguments, show } from '../options/validate.js';
import type { Origin } from '../stream/operation.js';
import { checkCallOptions } from './call-arguments.js';
import type { Caller } from './caller.js';
import type { ChildrenOptions, ReadCallOptions } from './client.js';
import { READ_OPTION_NAMES } from './read-options.js';
import type { ChildrenPage, GetResult, ReadResult, Stat } from './results.js';
import { childrenQuery } from './znode-calls.js';

/** Reads of one multi-read, at most. */
const READS_MAX = 128;

/** One read of a multi-read: exactly one of the three. */
export type MultiReadItem =
  | { readonly get: string }
  | { readonly exists: string }
  | ({ readonly children: string } & Pick<ChildrenOptions, 'startAfter' | 'withStat' | 'withData' | 'pageSize'>);

/** What one read of a multi-read came to. */
export type MultiReadAnswer<I extends MultiReadItem> =
  | (I extends { readonly get: string }
      ? { readonly kind: 'node'; readonly node: GetResult }
      : I extends { readonly exists: string }
        ? { readonly kind: 'exists'; readonly stat: Stat | undefined }
        : { readonly kind: 'children'; readonly page: ChildrenPage })
  | { readonly kind: 'failed'; readonly error: ZklError };

/** What `multiRead` resolves with: the answers, in the order of the reads, all of one state. */
export interface MultiReadResult<R extends readonly MultiReadItem[]> extends ReadResult {
  readonly answers: { readonly [K in keyof R]: MultiReadAnswer<R[K]> };
}

/** {@link Calls.multiRead} */
export function multiRead<const R extends readonly MultiReadItem[]>(
  caller: Caller,
  reads: R,
  options: ReadCallOptions,
): Promise<MultiReadResult<R>> {
  checkCallOptions('multiRead', options, READ_OPTION_NAMES);
  if (!Array.isArray(reads) || reads.length > READS_MAX) {
    throw badArguments(`The reads are ${show(reads)}`, `Give a list of at most ${READS_MAX}`);
  }
  const queries = reads.map((read: MultiReadItem) => toQuery(read));
  return caller.read(
    { kind: 'multi', reads: queries.map((query) => ({ ...query, path: caller.rooted(query.path) })) },
    undefined,
    (reply, origin) => toResult<R>(caller, reply, origin, queries),
    options,
  );
}

function toQuery(read: MultiReadItem): SingleQuery {
  if ('get' in read) return { kind: 'get', path: requirePath(read.get) };
  if ('exists' in read) return { kind: 'exists', path: requirePath(read.exists) };
  if ('children' in read) return childrenQuery(read.children, read);
  throw badArguments('A read is get, exists or children');
}

function toResult<R extends readonly MultiReadItem[]>(
  caller: Caller,
  reply: Reply,
  origin: Origin,
  queries: readonly SingleQuery[],
): MultiReadResult<R> {
  const { answers, zxid } = expectKind(reply, 'multi');
  if (answers.length !== queries.length) throw new GarbledReply('The reply has not an answer for each read');
  const told = answers.map((answer, index) => toAnswer(caller, answer, origin, queries[index]!));
  return { answers: told as unknown as MultiReadResult<R>['answers'], zxid: toBigint(zxid), ...origin };
}

function toAnswer(
  caller: Caller,
  answer: SingleReply,
  origin: Origin,
  query: SingleQuery,
): MultiReadAnswer<MultiReadItem> {
  if (answer.kind === 'refused') {
    const { code, path, retryable } = answer;
    const error = makeError({
      code,
      message: 'The read was refused',
      outcome: 'rejected',
      retryable,
      path: path === undefined ? query.path : caller.unrooted(path),
      hint: ERROR_CODES[code].hint,
    });
    return { kind: 'failed', error };
  }
  if (query.kind === 'get') return { kind: 'node', node: toGetResult(answer, origin) };
  if (query.kind === 'exists') return { kind: 'exists', stat: toExistsResult(answer) };
  if (query.kind === 'children') return { kind: 'children', page: toChildrenPage(answer, origin, query) };
  throw new GarbledReply('The reply does not fit what was read');
}
