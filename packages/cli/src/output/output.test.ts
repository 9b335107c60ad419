import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { jsonValue, showName, showValue } from './bytes.js';
import { formatFacts, jsonFacts } from './facts.js';
import { Output } from './output.js';
import { createStyle, wantsColors } from './style.js';
import { formatTable } from './table.js';
import { formatZxid } from './zxid.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const plain = createStyle(false);

describe('values', () => {
  test('text is shown in quotes, and cannot command the terminal or turn the writing round', () => {
    expect(showValue(bytes('a "b" \\'))).toBe('"a \\"b\\" \\\\"');
    expect(showValue(bytes('\u001b[31m\u0007\n\u202e\u009b'))).toBe('"\\u{1b}[31m\\u{7}\\n\\u{202e}\\u{9b}"');
    expect(showName('a\u001b]0;x\u0007')).toBe('a\\u{1b}]0;x\\u{7}');
  });

  test('nothing, emptiness, and bytes that are no text are different', () => {
    expect([showValue(null), showValue(bytes('')), showValue(Uint8Array.of(255, 0))]).toEqual([
      'null',
      '""',
      '2 bytes 0xff00',
    ]);
    expect(showValue(new Uint8Array(1000).fill(255))).toHaveLength('1000 bytes 0x'.length + 128 + 3);
    expect([jsonValue(null), jsonValue(bytes('é')), jsonValue(Uint8Array.of(255, 0))]).toEqual([
      { value: null },
      { value: 'é' },
      { valueBase64: '/wA=' },
    ]);
  });
});

test('zxids are shown in hexadecimal, with epoch and counter', () => {
  expect(formatZxid((3n << 32n) | 17n)).toBe('0x300000011 (3:17)');
  expect(formatZxid(0n)).toBe('0x0 (0:0)');
  expect(formatZxid((1n << 64n) - 1n)).toBe('0xffffffffffffffff (4294967295:4294967295)');
});

test('facts tell what is known, and leave out what is not', () => {
  const facts = { zxid: (1n << 32n) | 2n, version: 0, leader: 0, server: 3, elapsedMs: 1.26 };
  expect(formatFacts(facts, plain)).toBe('version 0 · zxid 0x100000002 (1:2) · answered by server 3 · 1.3 ms');
  expect(JSON.parse(JSON.stringify(jsonFacts(facts)))).toEqual({
    ...{ version: 0, zxid: '0x100000002', epoch: 1, counter: 2 },
    ...{ server: 3, elapsedMs: 1.26 },
  });
});

test('colours only on a terminal, and never with NO_COLOR', () => {
  expect(wantsColors({ isTTY: true, environment: {} })).toBe(true);
  expect(wantsColors({ isTTY: false, environment: {} })).toBe(false);
  expect(wantsColors({ isTTY: undefined, environment: { CI: 'true' } })).toBe(false);
  expect(wantsColors({ isTTY: true, environment: { NO_COLOR: '1' } })).toBe(false);
  expect(wantsColors({ isTTY: true, environment: { NO_COLOR: '' } })).toBe(true);
  expect(wantsColors({ isTTY: true, environment: { TERM: 'dumb' } })).toBe(false);
  expect(createStyle(true).good('x')).toBe('\u001b[32mx\u001b[39m');
});

test('tables have no colours of their own, and no empty columns', () => {
  const table = formatTable(
    ['id', 'pid', 'role'],
    [
      ['1', '', 'leading'],
      ['2', '', 'following'],
    ],
    plain,
  );
  expect(table).not.toContain('\u001b');
  expect(table).not.toContain('pid');
  expect(table).toMatch(/│ 1 +│ leading +│/);
});

describe('Output', () => {
  const outputOf = (json: boolean) => {
    const [out, error] = [new PassThrough(), new PassThrough()];
    const read = () => [out, error].map((stream) => String((stream.read() as Buffer | null) ?? ''));
    return { output: new Output({ json, colors: true, streams: { out, error } }), read };
  };

  test('with --json: one object a line, errors among them, nothing else', () => {
    const { output, read } = outputOf(true);
    output.answer({ command: 'read', value: 'a\nb' }, () => 'text');
    output.note('by the way');
    output.error({ error: { code: 'NO_NODE' } }, () => 'text');
    const [out = '', error] = read();
    expect(error).toBe('');
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { ok: true, command: 'read', value: 'a\nb' },
      { ok: false, error: { code: 'NO_NODE' } },
    ]);
    expect(output.style.bad('x')).toBe('x');
  });

  test('without: answers on one stream, errors and remarks on the other', () => {
    const { output, read } = outputOf(false);
    output.answer({}, () => 'answer');
    output.note('by the way');
    output.error({}, () => 'failed');
    expect(read()).toEqual(['answer\n', 'by the way\nfailed\n']);
  });
});
