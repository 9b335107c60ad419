import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isValidPath } from './paths.js';

/** The rules of paths, with a regular expression. */
function isModelPath(path: string): boolean {
  if (path === '/') return true;
  if (!path.startsWith('/') || path.endsWith('/')) return false;
  // eslint-disable-next-line no-control-regex -- these are the characters that are refused
  if (/[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(path)) return false;
  return path
    .slice(1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..');
}

function at(point: number): string {
  return `/a${String.fromCharCode(point)}b`;
}

describe('Paths', () => {
  it('start with `/`', () => {
    expect(isValidPath('/a')).toBe(true);
    expect(isValidPath('/')).toBe(true);
    expect(isValidPath('a/b')).toBe(false);
  });

  it("`''` and `a` are refused", () => {
    expect(isValidPath('')).toBe(false);
    expect(isValidPath('a')).toBe(false);
    expect(isValidPath('', true)).toBe(false);
    expect(isValidPath('a', true)).toBe(false);
  });

  it('do not end with `/`, except as the prefix of a sequential create', () => {
    expect(isValidPath('/a/')).toBe(false);
    expect(isValidPath('//')).toBe(false);
    expect(isValidPath('/a/', true)).toBe(true);
    expect(isValidPath('/', true)).toBe(true);
    expect(isValidPath('//', true)).toBe(false);
  });

  it('have no empty, `.` or `..` component', () => {
    for (const path of ['//', '/a//b', '//a', '/.', '/..', '/./a', '/../a', '/a/.', '/a/..', '/a/./b', '/a/../b']) {
      expect(isValidPath(path), path).toBe(false);
    }
  });

  it('`.x` and `...` are fine', () => {
    for (const path of ['/.x', '/...', '/..x', '/x.', '/x..', '/a/.../b', '/.x/..y'])
      expect(isValidPath(path), path).toBe(true);
  });

  it('a sequential prefix may end in `.` or `..`: digits follow', () => {
    expect(isValidPath('/a/.', true)).toBe(true);
    expect(isValidPath('/a/..', true)).toBe(true);
    expect(isValidPath('/./a', true)).toBe(false);
  });

  it('have no U+0000-001F, 007F-009F, D800-F8FF, FFF0-FFFF; every other is fine', () => {
    const wrong: number[] = [];
    for (let point = 0; point <= 0xffff; point++) {
      const isRefused =
        point <= 0x1f || (point >= 0x7f && point <= 0x9f) || (point >= 0xd800 && point <= 0xf8ff) || point >= 0xfff0;
      if (isValidPath(at(point)) === isRefused) wrong.push(point);
    }
    // A slash between two names is a path of its own.
    expect(wrong).toEqual([]);
  });

  it('space is fine', () => {
    expect(isValidPath('/a b/ /c ')).toBe(true);
  });

  it('nothing beyond U+FFFF: ZooKeeper sees the surrogates', () => {
    expect(isValidPath('/😀')).toBe(false);
  });

  it('are bounded', () => {
    expect(isValidPath(`/${'x'.repeat(4095)}`)).toBe(true);
    expect(isValidPath(`/${'x'.repeat(4096)}`)).toBe(false);
    expect(isValidPath(`/${'é'.repeat(2048)}`)).toBe(false);
    expect(isValidPath('/a'.repeat(2048))).toBe(true);
    expect(isValidPath('x'.repeat(10_000_000))).toBe(false);
    expect(isValidPath(`/${'x'.repeat(4085)}`, true)).toBe(true);
    expect(isValidPath(`/${'x'.repeat(4086)}`, true)).toBe(false);
  });

  it('names like __proto__ and constructor are ordinary', () => {
    expect(isValidPath('/__proto__/constructor/toString')).toBe(true);
  });

  it('are judged as the plain rule judges them', () => {
    const odd = fc.constantFrom(
      '/',
      '/',
      '.',
      'a',
      ' ',
      '\u0000',
      '\u001f',
      '\u007f',
      '\u0080',
      'é',
      '中',
      '\uf8ff',
      '\uf900',
      '\uffef',
      '\ufff0',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(odd, { maxLength: 10 }), fc.boolean(), (parts, sequential) => {
        const path = `/${parts.join('')}`;
        expect(isValidPath(path, sequential)).toBe(isModelPath(sequential ? `${path}1` : path));
      }),
      { numRuns: 3000 },
    );
  });
});
