import { Code } from '@connectrpc/connect';
import { ERROR_CODE_NAMES, ERROR_CODES } from '@zkl/state-machine';
import { CONNECT_CODES } from '../errors/connect-error.js';
import { EXIT_CODES } from '../errors/server-error.js';
import { describeOptions } from '../options/describe-options.js';

/** docs/reference/options.md, made from the schema of the options. */
export function optionsPage(): string {
  const rows = describeOptions().map(({ key, environment, fallback, allowed, doc }) => [
    `\`${key}\``,
    `\`${environment}\``,
    fallback,
    allowed,
    doc,
  ]);
  return [
    '# Options of a server',
    '',
    'Made from the schema in `packages/server/src/options/define-options.ts`: change that, and run its tests with `-u`.',
    '',
    'The flag of a key is the key in words: `limits.valueBytesMax` is `--limits-value-bytes-max`. In a file, and in `createServer`,',
    'what has a dot is nested: `limits: { valueBytesMax: 1048576 }`.',
    '',
    ...table(['key', 'environment', 'default', 'allowed', 'what it does'], rows),
    '',
  ].join('\n');
}

/** docs/reference/errors.md, made from the table of error codes. */
export function errorsPage(): string {
  const rows = ERROR_CODE_NAMES.map((name) => {
    const { number, outcome, retryable, hint } = ERROR_CODES[name];
    const numberCell = String(number);
    return [
      `\`${name}\``,
      numberCell === '0' ? '' : numberCell,
      connectName(CONNECT_CODES[name]),
      outcome,
      retryable ? 'yes' : 'no',
      hint,
    ];
  });
  const exits = Object.entries(EXIT_CODES).map(([name, code]) => [`\`${name}\``, String(code)]);
  return [
    '# Errors',
    '',
    'Made from `packages/wire/src/error-codes.ts`: change that, and run the tests of `packages/server/src/reference` with `-u`.',
    '',
    'Every error of a request carries a `zkl.v1.ErrorDetail` next to its Connect or gRPC code. Go by its `code`, which is stable; never by the text of the',
    "message. `number` is ZooKeeper's, where it has one.",
    '',
    '`outcome` tells whether a write took effect: `rejected`, certainly not, and never will; `unknown`, it may have, or may yet. The table has the usual',
    'one; the detail of the error itself decides. For reads it is always `rejected`. `retryable` in the detail is true when the same request, unchanged, may',
    'succeed later and sending it again can do no harm: of an `unknown` write only when it has a `write_id`.',
    '',
    ...table(['code', 'number', 'Connect code', 'outcome', 'retryable', 'what to do'], rows),
    '',
    '## Why a server does not start, or ends',
    '',
    '`createServer` rejects with, and `server.failed` resolves with, a `ServerError` that has one of these codes; the process `zkl-server` exits with the',
    'number.',
    '',
    ...table(['code', 'exit code'], exits),
    '',
  ].join('\n');
}

function connectName(code: Code): string {
  return (Code[code] ?? '').replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
