import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoteWord, splitWords } from './split-words.js';

const texts = (line: string): string[] => splitWords(line).words.map(({ text }) => text);

describe('splitWords', () => {
  test.each([
    ['', []],
    ['   ', []],
    ['write 42', ['write', '42']],
    ['  write\t 42  ', ['write', '42']],
    ['write "two words"', ['write', 'two words']],
    ['write \'a "b" \\n\'', ['write', 'a "b" \\n']],
    ['write "a \\"b\\" \\\\ \\n\\t \\x"', ['write', 'a "b" \\ \n\t \\x']],
    ['write two\\ words', ['write', 'two words']],
    ['write ""', ['write', '']],
    ["write ''''", ['write', '']],
    ['write a"b c"d', ['write', 'ab cd']],
    ['# a comment', []],
    ['read # a comment', ['read']],
    ['set /a#b c#d', ['set', '/a#b', 'c#d']],
  ])('%j', (line, expected) => {
    expect(texts(line)).toEqual(expected);
    expect(splitWords(line).open).toBeUndefined();
  });

  test.each([
    ["write 'open", "'"],
    ['write "open', '"'],
    ['write open\\', '\\'],
  ])('tells that %j is not complete', (line, open) => {
    expect(splitWords(line).open).toBe(open);
  });

  test('tells where words begin, and whether a new one does at the end', () => {
    expect(splitWords('get "/a b"')).toMatchObject({ words: [{ start: 0 }, { start: 4 }], endsBetweenWords: false });
    expect(splitWords('get ').endsBetweenWords).toBe(true);
  });

  test('reads back whatever quoteWord writes', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
        expect(texts(words.map(quoteWord).join(' '))).toEqual(words);
      }),
    );
  });
});
