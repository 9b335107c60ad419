import { describe, expect, it } from 'vitest';
import { createClient, isZklError, type ClientOptions } from '../index.js';
import { resolveOptions } from './resolve-options.js';

const resolve = (input: unknown) => resolveOptions(input, { discover: true });

function refusalOf(input: unknown): string {
  try {
    resolve(input);
  } catch (error) {
    if (isZklError(error, 'BAD_ARGUMENTS') && error.outcome === 'rejected') return error.message;
  }
  throw new Error('Not refused');
}

describe('a connection string', () => {
  it('gives endpoints and options', () => {
    const options = resolve('zkl://h1:7001,[::1]:7002/?timeoutMs=5000&monotonicReads=false&server=2');
    expect(options.endpoints).toEqual([
      { address: 'h1:7001', url: 'http://h1:7001' },
      { address: '[::1]:7002', url: 'http://[::1]:7002' },
    ]);
    expect(options).toMatchObject({ timeoutMs: 5_000, monotonicReads: false, server: 2, discover: true });
  });

  it('has defaults', () => {
    expect(resolve('zkl://h:1')).toEqual({
      endpoints: [{ address: 'h:1', url: 'http://h:1' }],
      timeoutMs: 10_000,
      attemptTimeoutMs: 2_000,
      server: undefined,
      discover: true,
      monotonicReads: true,
      writesInFlightMax: 1_024,
      writesQueuedMax: 16_384,
      writeSpanMax: 3_072,
      readsInFlightMax: 1_024,
      readsQueuedMax: 16_384,
      messageBytesMax: 16_777_216,
      stream: true,
      chroot: '',
    });
  });

  it('may name a root within the tree', () => {
    expect(resolve('zkl://h:1/app/one?stream=false')).toMatchObject({ chroot: '/app/one', stream: false });
    expect(resolve('zkl://h:1/').chroot).toBe('');
  });

  it('may ask for TLS', () => {
    expect(resolve('zkls://h:443').endpoints).toEqual([{ address: 'https://h:443', url: 'https://h:443' }]);
  });

  it.each([
    ['', 'is not a connection string'],
    ['h1:7001', 'is not a connection string'],
    ['http://h1:7001', 'is not a connection string'],
    ['zkl://h1:7001/#x', 'is not a connection string'],
    [`zkl://${'h:1,'.repeat(5_000)}`, 'is not a connection string'],
    ['zkl://', 'no list of endpoints'],
    ['zkl://h1:7001,', '"" is not an endpoint'],
    ['zkl://h1', '"h1" is not an endpoint'],
    ['zkl://h1:0', 'is not an endpoint'],
    ['zkl://h1:70000', 'is not an endpoint'],
    ['zkl://user:secret@h1:7001', 'is not an endpoint'],
    ['zkl://h 1:7001', 'is not an endpoint'],
    ['zkl://h1:7001/app/', 'ends with /'],
    ['zkl://h1:7001/app//x', 'empty name'],
    ['zkl://h1:7001/?timeout=5', 'unknown option "timeout"'],
    ['zkl://h1:7001/?timeoutMs=5&timeoutMs=6', 'timeoutMs twice'],
    ['zkl://h1:7001/?timeoutMs=1e3', 'gives timeoutMs as "1e3"'],
    ['zkl://h1:7001/?timeoutMs=', 'gives timeoutMs as ""'],
    ['zkl://h1:7001/?timeoutMs=0', 'timeoutMs is 0'],
    ['zkl://h1:7001/?discover=1', 'gives discover as "1"'],
    ['zkl://h1:7001/?discover=false&server=1', 'server needs discover'],
    ['zkl://h1:7001/?__proto__=1', 'unknown option'],
  ])('%s is refused', (text, reason) => {
    expect(refusalOf(text)).toContain(reason);
  });
});

describe('options', () => {
  it.each<[unknown, string]>([
    [undefined, 'needs a connection string or options'],
    [null, 'needs a connection string or options'],
    [{}, 'no list of endpoints'],
    [{ endpoints: [] }, 'no list of endpoints'],
    [{ endpoints: Array.from({ length: 65 }, (_, i) => `h:${i + 1}`) }, 'no list of endpoints'],
    [{ endpoints: [5] }, 'is not an endpoint'],
    [{ endpoints: ['h:1'], retries: 3 }, 'no option "retries"'],
    [{ endpoints: ['h:1'], writesInFlightMax: 2_049 }, 'writesInFlightMax is 2049'],
    [{ endpoints: ['h:1'], messageBytesMax: Number.NaN }, 'messageBytesMax is NaN'],
    [{ endpoints: ['h:1'], monotonicReads: 'yes' }, 'monotonicReads is "yes"'],
    [{ endpoints: ['http://h:1/?a=b'] }, 'is not an endpoint'],
    [{ endpoints: ['ftp://h:1'] }, 'is not an endpoint'],
  ])('%o are refused', (input, reason) => {
    expect(refusalOf(input)).toContain(reason);
  });

  it('name an endpoint once though it is given twice', () => {
    expect(resolve({ endpoints: ['h:1', 'http://h:1/'] }).endpoints).toHaveLength(1);
  });

  it('are checked when the client is made', () => {
    expect(() => createClient({ endpoints: ['nowhere'] } satisfies ClientOptions)).toThrow('is not an endpoint');
  });
});
