import { expect, it } from 'vitest';
import { requirePath } from './path.js';

it.each(['/', '/a', '/a/b', '/a b', '/.x', '/...', '/a/..b', '/é', `/${'x'.repeat(4_095)}`])('%s is a path', (path) => {
  expect(requirePath(path)).toBe(path);
});

it.each([
  ['', 'does not start with /'],
  ['a', 'does not start with /'],
  ['//', 'ends with /'],
  ['/a/', 'ends with /'],
  ['//a', 'has an empty name'],
  ['/a//b', 'has an empty name'],
  ['/.', 'has the name .'],
  ['/a/../b', 'has the name ..'],
  ['/a\u0000', 'not allowed'],
  ['/a\u007f', 'not allowed'],
  ['/a\ud83d\ude00', 'not allowed'],
  ['/a\ufff0', 'not allowed'],
  [`/${'x'.repeat(4_096)}`, 'longer than 4096 bytes'],
  [`/${'é'.repeat(2_048)}`, 'longer than 4096 bytes'],
  [5, 'Give a string'],
])('%j is none', (path, reason) => {
  expect(() => requirePath(path)).toThrow(reason);
});

it('may end with a slash as the prefix of a sequential znode', () => {
  expect(requirePath('/a/', true)).toBe('/a/');
  expect(requirePath('/', true)).toBe('/');
  expect(() => requirePath('/a//', true)).toThrow('ends with /');
});
