import { expect, test } from 'vitest';
import { commandTable } from '../commands/table.js';
import { complete } from './complete.js';

const offline = () => Promise.reject(new Error('no cluster'));
const candidates = async (line: string): Promise<string[]> => (await complete(commandTable, line, offline))[0];

test.each([
  ['wr', ['write ']],
  ['sta', ['stat ', 'status ']],
  ['quota ', ['set ', 'remove ', '/']],
  ['quota set /a --count', ['--count-soft ', '--count-hard ']],
  [
    'create /a --',
    ['--json ', '--ephemeral ', '--sequential ', '--container ', '--ttl ', '--if-absent ', '--session-timeout '],
  ],
  ['cluster k', ['kill-leader ', 'kill ']],
  ['cluster ', ['start ', 'status ', 'kill-leader ', 'kill ', 'restart ', 'stop ', 'destroy ', 'logs ']],
  ['help cluster re', ['restart ']],
  ['ls --s', ['--stat ']],
  ['get /a --', ['--json ', '--consistency ', '--at-least ', '--raw ', '--watch ']],
  ['get ', ['/']],
  ['unknown x', []],
  ['read ', []],
])('%s', async (line, expected) => {
  expect(await candidates(line)).toEqual(expected);
});

test('replaces the last word only, quotation included', async () => {
  expect((await complete(commandTable, 'help wr', offline))[1]).toBe('wr');
  expect((await complete(commandTable, 'get "/a b', offline))[1]).toBe('"/a b');
  expect((await complete(commandTable, 'get ', offline))[1]).toBe('');
});

test('a cluster that does not answer offers nothing, and is no error', async () => {
  expect(await candidates('get /a')).toEqual([]);
  expect(await candidates('connect ')).toEqual([]);
});
