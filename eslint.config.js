import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { layers, pureFolders } from './tools/layers.mjs';

const tests = ['**/*.test.ts', 'tests/**/*.ts'];

/** One entry a package: what it may not import, by the architecture's picture. */
const boundaries = Object.entries(layers).map(([name, allowed]) => ({
  files: [`packages/${name}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^@zkl/(?!(?:${[name, ...allowed].join('|')})(?:/|$))`,
            message: `@zkl/${name} may import ${allowed.map((other) => `@zkl/${other}`).join(', ') || 'no other package'}: see tools/layers.mjs.`,
          },
          { regex: '^(?:\\.\\./)+packages/', message: 'Import another package by its name.' },
        ],
      },
    ],
  },
}));

/** @type {(object: string, property: string) => object} */
const notIn = (object, property) => ({
  object,
  property,
  message: 'Pure code is given time and randomness as inputs.',
});

export default tseslint.config(
  {
    ignores: [
      '**/node_modules',
      '**/dist',
      'coverage',
      'reports',
      'tools/check-app/app',
      '.nx',
      'packages/protocol/src/gen',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-param-reassign': 'error',
      'prefer-const': 'error',
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
        { selector: 'TSEnumDeclaration', message: 'A union of strings, or a const object.' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      // Implementing an asynchronous port with synchronous code is no mistake.
      '@typescript-eslint/require-await': 'off',
    },
  },
  ...boundaries,
  {
    files: pureFolders.map((folder) => `${folder}/**/*.ts`),
    ignores: tests,
    rules: {
      'no-restricted-properties': ['error', notIn('Date', 'now'), notIn('Math', 'random'), notIn('performance', 'now')],
    },
  },
  {
    // Programs speak to a terminal.
    files: [
      'packages/cli/**/*.ts',
      'packages/simulator/**/*.ts',
      'benchmarks/**/*.ts',
      'examples/**/*.ts',
      'tools/**/*.ts',
      '**/bin/*.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: tests,
    rules: {
      'max-lines-per-function': 'off',
    },
  },
  {
    files: ['**/*.config.ts', '**/*.config.js'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
);
