import { describe, expect, expectTypeOf, it } from 'vitest';
import * as node from './index.js';
import * as web from './web/index.js';
import type { ZklError } from './index.js';
import {
  BadVersionError,
  isZklError,
  NoNodeError,
  type Child,
  type Client,
  type CreateResult,
  type DataInput,
  type ErrorOutcome,
  type GetResult,
  type ServerStatusReport,
  type Stat,
  type ZklErrorCode,
} from './index.js';
import { makeError } from './errors/zkl-error.js';

describe('types', () => {
  it('of calls', () => {
    expectTypeOf<Client['create']>().parameter(1).toEqualTypeOf<DataInput | undefined>();
    expectTypeOf<Client['create']>().returns.resolves.toEqualTypeOf<CreateResult>();
    expectTypeOf<Client['get']>().returns.resolves.toEqualTypeOf<GetResult>();
    expectTypeOf<GetResult['data']>().toEqualTypeOf<Uint8Array | null>();
    expectTypeOf<GetResult['zxid']>().toEqualTypeOf<bigint>();
    expectTypeOf<Stat['mtime']>().toEqualTypeOf<number>();
    expectTypeOf<Client['exists']>().returns.resolves.toEqualTypeOf<Stat | undefined>();
    expectTypeOf<Client['children']>().returns.toEqualTypeOf<AsyncIterable<Child>>();
    expectTypeOf<Client>().toExtend<AsyncDisposable>();
    expectTypeOf<typeof node.createClient>().toExtend<typeof web.createClient>();
    // Data must be given to `set`: null says that there is to be none.
    expectTypeOf<[string]>().not.toExtend<Parameters<Client['set']>>();
    expectTypeOf<[string, null]>().toExtend<Parameters<Client['set']>>();
  });

  it('of options', () => {
    expectTypeOf<{ consistency: 'local'; atLeast: bigint; timeoutMs: number }>().toExtend<
      NonNullable<Parameters<Client['get']>[1]>
    >();
    expectTypeOf<{ consistency: 'stale' }>().not.toExtend<NonNullable<Parameters<Client['get']>[1]>>();
    expectTypeOf<{ atLeast: number }>().not.toExtend<NonNullable<Parameters<Client['get']>[1]>>();
  });

  it('of errors', () => {
    const caught: unknown = undefined;
    if (isZklError(caught, 'NO_NODE')) {
      expectTypeOf(caught).toExtend<ZklError>();
      expectTypeOf(caught.code).toEqualTypeOf<'NO_NODE'>();
      expectTypeOf(caught.outcome).toEqualTypeOf<ErrorOutcome>();
    }
    expectTypeOf<'SOMETHING_NEW'>().toExtend<ZklErrorCode>();
    expectTypeOf<Extract<ServerStatusReport, { kind: 'failed' }>['error']>().toEqualTypeOf<ZklError>();
  });
});

describe('errors', () => {
  it('have the class of their code', () => {
    const error = makeError({ code: 'NO_NODE', message: 'There is none', outcome: 'rejected', path: '/a' });
    expect(error).toBeInstanceOf(NoNodeError);
    expect(error).not.toBeInstanceOf(BadVersionError);
    expect(error.name).toBe('NoNodeError');
    expect(makeError({ code: 'SOMETHING_NEW', message: 'x', outcome: 'rejected' }).name).toBe('ZklError');
  });

  it('are told from others by their brand, across copies of the package', () => {
    const error = makeError({ code: 'TIMEOUT', message: 'x', outcome: 'unknown' });
    expect(isZklError(error)).toBe(true);
    expect(isZklError(error, 'TIMEOUT')).toBe(true);
    expect(isZklError(error, 'NO_NODE')).toBe(false);
    expect(isZklError({ code: 'TIMEOUT' })).toBe(false);
    expect(isZklError(null)).toBe(false);
  });

  it('say the code, what happened, whether it took effect, and what to do, each once', () => {
    const init = { code: 'CONNECTION_LOSS', message: 'CONNECTION_LOSS: It broke.', hint: 'Try again.' };
    expect(makeError({ ...init, outcome: 'unknown' }).message).toBe(
      'CONNECTION_LOSS: It broke. It may have been applied, or may yet be. Try again.',
    );
    expect(makeError({ ...init, outcome: 'rejected', message: 'Try again.' }).message).toBe(
      'CONNECTION_LOSS: Try again.',
    );
  });
});

it('both entries export the same names', () => {
  expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort());
});
