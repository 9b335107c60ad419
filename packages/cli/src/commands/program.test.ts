import { describe, expect, test } from 'vitest';
import { splitWords } from '../shell/split-words.js';
import { type Invocation, parseInvocation } from './program.js';
import { commandTable } from './table.js';

const options = { where: 'oneShot', version: '1.2.3', colors: false } as const;

function parse(line: string, where: 'oneShot' | 'shell' = 'oneShot'): Invocation {
  const parsed = parseInvocation(commandTable, line === '' ? [] : line.split(' '), { ...options, where });
  if ('printed' in parsed) throw new Error(`printed: ${parsed.printed}`);
  return parsed;
}

function printed(line: string): string {
  const parsed = parseInvocation(commandTable, line.split(' '), options);
  return 'printed' in parsed ? parsed.printed : '';
}

describe('a command line', () => {
  test.each([
    ['write 42', 'write', ['42'], {}],
    ['write -5', 'write', ['-5'], {}],
    ['write -- --json', 'write', ['--json'], {}],
    ['get /a --consistency local', 'get', ['/a'], { consistency: 'local' }],
    ['read --at-least 2:3', 'read', [], { atLeast: (2n << 32n) | 3n }],
    ['read --at-least 0x200000003', 'read', [], { atLeast: (2n << 32n) | 3n }],
    ['ls / --stat', 'ls', ['/'], { stat: true }],
    ['set /a b --if-version 3', 'set', ['/a', 'b'], { ifVersion: 3 }],
    ['create /a', 'create', ['/a'], {}],
    ['cluster kill-leader', 'cluster kill-leader', [], {}],
    ['cluster start --size 5 --port-base 7001', 'cluster start', [], { size: 5, portBase: 7001 }],
    ['help cluster kill', 'help', ['cluster', 'kill'], {}],
    ['create /a x -e -s', 'create', ['/a', 'x'], { ephemeral: true, sequential: true }],
    ['create /a --ttl 1.5s --if-absent', 'create', ['/a'], { ttl: 1_500, ifAbsent: true }],
    ['delete -R /a', 'delete', ['/a'], { recursive: true }],
    ['quota /a', 'quota', ['/a'], {}],
    ['quota set /a --count-hard 10', 'quota set', ['/a'], { countHard: 10 }],
    ['quota remove /a', 'quota remove', ['/a'], {}],
    ['watch /a --scope subtree --from 1:2', 'watch', ['/a'], { scope: 'subtree', from: (1n << 32n) | 2n }],
    ['txn create /b x -e ; delete -R /c', 'txn', ['create', '/b', 'x', '-e', ';', 'delete', '-R', '/c'], {}],
    ['txn check /b 1 --json', 'txn', ['check', '/b', '1'], {}],
  ])('%s', (line, name, args, values) => {
    expect(parse(line)).toMatchObject({ spec: { name }, args, options: values });
  });

  test('an empty argument is one', () => {
    expect(parseInvocation(commandTable, ['write', ''], options)).toMatchObject({
      spec: { name: 'write' },
      args: [''],
    });
  });

  test('takes the options that every command has before it and behind it', () => {
    const globals = { json: true, endpoints: ['h1:1', 'h2:2'], server: 2, timeout: 500, folder: 'f' };
    expect(parse('--json --endpoints h1:1,h2:2 --server 2 --timeout 500 --folder f read').globals).toMatchObject(
      globals,
    );
    expect(parse('read --json --endpoints h1:1,h2:2 --server 2 --timeout 500 --folder f').globals).toMatchObject(
      globals,
    );
  });

  test('without a command is a shell', () => {
    expect(parse('').spec).toBeUndefined();
    expect(parse('--json')).toMatchObject({ spec: undefined, globals: { json: true } });
  });

  test.each([
    ['wriet 3', "unknown command 'wriet' (Did you mean write?)"],
    ['write', "missing required argument 'value'"],
    ['write 1 2', 'too many arguments'],
    ['read --bar', "unknown option '--bar'"],
    ['get /a --consistency eventual', '"eventual" is no consistency'],
    ['read --at-least 3', '"3" is no zxid'],
    ['read --at-least 4294967296:0', 'is no zxid'],
    ['cluster start --size 0', '--size must be a whole number from 1 to 15, not "0"'],
    ['cluster start --size 2.5', 'not "2.5"'],
    ['cluster explode', "unknown command 'explode'"],
    ['--endpoints , read', 'no endpoint is given'],
    ['exit', "unknown command 'exit'"],
    ['jobs', "unknown command 'jobs'"],
    ['create /a --ttl 5', '--ttl must be a length of time from 1ms'],
    ['create /a --ttl 0s', 'not "0s"'],
    ['watch /a --scope tree', '"tree" is no scope'],
    ['quota', "missing required argument 'path'"],
  ])('is refused: %s', (line, message) => {
    expect(() => parse(line)).toThrow(
      expect.objectContaining({ name: 'UsageError', message: expect.stringContaining(message) as string }),
    );
  });

  test('shows help and version', () => {
    expect(printed('--version')).toBe('1.2.3\n');
    expect(printed('write --help')).toContain('write <value>\n  replace the value');
    expect(printed('--help')).toMatch(/Usage: zkl .*cluster .*Exit codes:/s);
    expect(printed('cluster --help')).toContain('kill-leader');
  });
});

describe('a line of the shell', () => {
  test('has exit, and no options of the connection', () => {
    expect(parse('exit', 'shell').spec?.name).toBe('exit');
    expect(() => parse('read --endpoints h:1', 'shell')).toThrow('unknown option');
    expect(parse('read --json', 'shell').globals.json).toBe(true);
  });
});

test('every command is explained: a summary, and an example that parses to it', () => {
  for (const { name, summary, examples = [] } of commandTable) {
    expect(summary.length, name).toBeGreaterThan(5);
    for (const example of examples) {
      const words = splitWords(example).words.map(({ text }) => text);
      const parsed = parseInvocation(commandTable, words, { ...options, where: 'shell' });
      expect(parsed, example).toMatchObject({ spec: { name } });
    }
  }
});
