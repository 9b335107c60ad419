import fc from 'fast-check';
import type { Command, WriteId } from '../commands.js';
import type { Write } from './blocks.js';

const names = [
  'a',
  'b',
  'c',
  'é',
  '中',
  '__proto__',
  'constructor',
  'toString',
  'a b',
  '.x',
  '...',
  'a-much-longer-name-than-others',
];
const badPaths = [
  '',
  'a',
  '//',
  '/a/',
  '/a//b',
  '/.',
  '/a/..',
  '/\u0000',
  '/a\u007f',
  '/\ud83d\ude00',
  '/a/./b',
  '/zkl/',
];

export const pathArbitrary = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
      .map((parts) => `/${parts.join('/')}`),
  },
  { weight: 2, arbitrary: fc.constantFrom('/', '/zkl', '/zkl/register') },
  { weight: 1, arbitrary: fc.constantFrom(...badPaths) },
);

export const dataArbitrary = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 100, maxLength: 300 }) },
);

const versionArbitrary = fc.constantFrom(-1, -1, -1, 0, 1, 2);
const valueArbitrary = fc
  .constantFrom('', 'x', 'yy')
  .map((text) => new Uint8Array([...text].map((c) => c.charCodeAt(0))));

export const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      path: pathArbitrary,
      data: dataArbitrary,
      sequential: fc.constant(false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      path: fc.oneof(pathArbitrary, fc.constantFrom('/', '/a/', '/b/', '/a/.', '/a/..')),
      data: dataArbitrary,
      sequential: fc.constant(true),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      path: pathArbitrary,
      data: dataArbitrary,
      expectedVersion: versionArbitrary,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      path: pathArbitrary,
      expectedVersion: versionArbitrary,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('registerWrite' as const), value: valueArbitrary }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('registerGuess' as const), value: valueArbitrary }) },
);

export const writeIdArbitrary: fc.Arbitrary<WriteId> = fc.record({
  clientId: fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'é'),
  requestId: fc.integer({ min: 1, max: 9 }),
  answeredThrough: fc.constantFrom(0, 0, 0, 1, 2, 4),
});

export const writeArbitrary: fc.Arbitrary<Write> = fc.record({
  command: commandArbitrary,
  writeId: fc.option(writeIdArbitrary, { nil: undefined }),
});
