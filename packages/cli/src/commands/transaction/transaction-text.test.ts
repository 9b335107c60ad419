import { describe, expect, test } from 'vitest';
import { readArguments, readLines, type TransactionLine, type TransactionSink } from './transaction-text.js';

/** What the lines tell the builder, call by call. */
function told(lines: readonly TransactionLine[]): unknown[][] {
  const calls: unknown[][] = [];
  const sink = new Proxy({} as TransactionSink, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        calls.push([name, ...args]),
  });
  for (const { tell } of lines) tell(sink);
  return calls;
}

describe('the text of a transaction', () => {
  test.each<[string, unknown[]]>([
    ['compare version /a = 3', ['when', '/a', { version: ['=', 3] }]],
    ['compare cversion /a > 0', ['when', '/a', { cversion: ['>', 0] }]],
    ['compare mzxid /a < 1:2', ['when', '/a', { mzxid: ['<', (1n << 32n) | 2n] }]],
    ['compare czxid /a != 0x100000002', ['when', '/a', { czxid: ['!=', (1n << 32n) | 2n] }]],
    ['compare value /a = "two words"', ['when', '/a', { value: ['=', 'two words'] }]],
    ['compare exists /a', ['when', '/a', { exists: true }]],
    ['compare absent /a', ['when', '/a', { exists: false }]],
    ['create /b', ['create', '/b', null, { sequential: false, ifAbsent: false }]],
    ['create /b x -e -s', ['create', '/b', 'x', { mode: 'ephemeral', sequential: true, ifAbsent: false }]],
    ['create -c /b --if-absent', ['create', '/b', null, { mode: 'container', ifAbsent: true }]],
    ['create /b x --ttl 5s', ['create', '/b', 'x', { mode: 'ttl', ttlMs: 5_000, sequential: false, ifAbsent: false }]],
    ['set /a -5', ['set', '/a', '-5', {}]],
    ['set /a -e', ['set', '/a', '-e', {}]],
    ['set /a -- --if-version', ['set', '/a', '--if-version', {}]],
    ['set /a "" --if-version 2', ['set', '/a', '', { version: 2 }]],
    ['delete /a --if-version 0', ['delete', '/a', { version: 0 }]],
    ['delete -R /a', ['deleteRecursive', '/a', {}]],
    ['check /c 2', ['check', '/c', 2]],
    ['check /c', ['check', '/c', undefined]],
    ['check-absent /d', ['checkAbsent', '/d']],
    ['get /a', ['get', '/a']],
    ['exists /a', ['exists', '/a']],
  ])('%s', (line, call) => {
    expect(told(readLines([line]))).toEqual([call]);
  });

  test('lines, words with `;` between, and quoted statements say the same', () => {
    const byLines = readLines([
      '# move it',
      'compare version /a = 1',
      '',
      'delete /a',
      'create /b "x y"',
      'else',
      'get /a',
    ]);
    const words = [
      'compare',
      'version',
      '/a',
      '=',
      '1',
      ';',
      'delete',
      '/a',
      ';',
      'create',
      '/b',
      'x y',
      ';',
      'else',
      ';',
    ];
    const byWords = readArguments([...words, 'get', '/a', ';']);
    const quoted = ['compare version /a = 1', 'delete /a', 'create /b "x y"', 'else', 'get /a'];
    expect(told(byWords)).toEqual(told(byLines));
    expect(told(readArguments(quoted))).toEqual(told(byLines));
    expect(told(byLines).map(([name]) => name)).toEqual(['when', 'delete', 'create', 'otherwise', 'get']);
    expect(byLines.map(({ kind }) => kind)).toEqual(['compare', 'step', 'step', 'else', 'step']);
  });

  test('tells which steps need a session', () => {
    expect(readLines(['create /a -e', 'create /b -s']).map(({ isEphemeral }) => isEphemeral)).toEqual([true, false]);
  });

  test.each([
    ['creat /a', '"creat" is no statement'],
    ['create', 'too few words: create'],
    ['create /a b c', 'too many words'],
    ['create /a --tll 5s', 'has no option --tll'],
    ['create /a --ttl', '--ttl needs a value'],
    ['create /a --ttl 5', '--ttl must be a length of time'],
    ['create /a -e -c', '--ephemeral and --container do not go together'],
    ['set /a x --if-version two', 'a version must be a whole number'],
    ['set /a -e x', 'too many words'],
    ['compare version /a', 'needs an operator'],
    ['compare version /a == 3', 'needs an operator'],
    ['compare version /a = x', 'a version must be a whole number'],
    ['compare size /a = 3', '"size" cannot be compared'],
    ['compare exists /a = 1', 'takes a path only'],
    ['get "/a', 'ends with an open "'],
    ['toString', 'is no statement'],
  ])('is refused: %s', (line, message) => {
    expect(() => readLines([line])).toThrow(
      expect.objectContaining({ name: 'UsageError', message: expect.stringContaining(message) as string }),
    );
  });

  test('comparisons come first, and there are two branches at most', () => {
    expect(() => readLines(['set /a x', 'compare exists /a'])).toThrow('a comparison stands behind a step');
    expect(() => readLines(['else', 'compare exists /a'])).toThrow('a comparison stands behind a step');
    expect(() => readLines(['get /a', 'else', 'get /b', 'else'])).toThrow('a second `else`');
  });
});
