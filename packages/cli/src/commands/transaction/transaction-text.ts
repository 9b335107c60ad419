import type { Condition, Relation, TransactionCreateOptions } from '@zkl/client-sdk';
import { splitWords } from '../../shell/split-words.js';
import { UsageError } from '../../output/explain-error.js';
import { createMode } from '../create-mode.js';
import { duration, integerIn, zxid } from '../option-parsers.js';
import { readStatement, type Statement, type StatementOptions } from './statement.js';

/** What a transaction can be told: the calls of the client's builder that its text is made of. */
export interface TransactionSink {
  when(path: string, condition: Condition): unknown;
  otherwise(): unknown;
  create(path: string, data: string | null, options: TransactionCreateOptions): unknown;
  set(path: string, data: string | null, options: { readonly version?: number | undefined }): unknown;
  delete(path: string, options: { readonly version?: number | undefined }): unknown;
  deleteRecursive(path: string, options: { readonly version?: number | undefined }): unknown;
  check(path: string, version?: number): unknown;
  checkAbsent(path: string): unknown;
  get(path: string): unknown;
  exists(path: string): unknown;
}

/** One line of a transaction, understood: what it tells the builder. */
export interface TransactionLine {
  readonly text: string;
  /** A step of a branch, a comparison before all steps, or the word that begins the other branch. */
  readonly kind: 'compare' | 'step' | 'else';
  /** It makes an ephemeral znode: the transaction needs a session. */
  readonly isEphemeral: boolean;
  readonly tell: (sink: TransactionSink) => void;
}

interface Grammar {
  readonly usage: string;
  readonly min: number;
  readonly max: number;
  readonly options?: StatementOptions;
  readonly kind?: TransactionLine['kind'];
  readonly understand: (statement: Statement) => (sink: TransactionSink) => void;
}

const TTL_MS_MAX = 2 ** 40 - 1;
const version = integerIn('a version', -1, 2 ** 31 - 1);
const ifVersion: StatementOptions = { '--if-version': { takesValue: true } };

const grammars: Readonly<Record<string, Grammar>> = {
  compare: {
    usage:
      'compare version|cversion /path =|!=|<|> <n>; compare czxid|mzxid /path = <zxid>; compare value /path = <text>; compare exists|absent /path',
    ...{ min: 2, max: 4, kind: 'compare' },
    understand: (statement) => {
      const condition = conditionOf(statement);
      return (sink) => sink.when(statement.args[1] ?? '', condition);
    },
  },
  else: { usage: 'else', min: 0, max: 0, kind: 'else', understand: () => (sink) => sink.otherwise() },
  create: {
    usage: 'create /path [data] [-e] [-s] [-c] [--ttl <duration>] [--if-absent]',
    ...{ min: 1, max: 2 },
    options: {
      ...{ '--ephemeral': { takesValue: false }, '--sequential': { takesValue: false } },
      ...{ '--container': { takesValue: false }, '--ttl': { takesValue: true }, '--if-absent': { takesValue: false } },
    },
    understand: ({ args: [path = '', data], options }) => {
      const { ephemeral, sequential, container, ttl } = options;
      const ttlMs = typeof ttl === 'string' ? duration('--ttl', TTL_MS_MAX)(ttl) : undefined;
      const mode = createMode({ ephemeral, sequential, container, ttl: ttlMs });
      return (sink) => sink.create(path, data ?? null, { ...mode, ifAbsent: options['if-absent'] === true });
    },
  },
  set: {
    usage: 'set /path <data> [--if-version <n>]',
    ...{ min: 2, max: 2, options: ifVersion },
    understand: (statement) => {
      const [[path = '', data = ''], wanted] = [statement.args, versionOf(statement)];
      return (sink) => sink.set(path, data, wanted);
    },
  },
  delete: {
    usage: 'delete /path [-R] [--if-version <n>]',
    ...{ min: 1, max: 1, options: { ...ifVersion, '--recursive': { takesValue: false } } },
    understand: (statement) => {
      const [[path = ''], wanted] = [statement.args, versionOf(statement)];
      return (sink) =>
        statement.options.recursive === true ? sink.deleteRecursive(path, wanted) : sink.delete(path, wanted);
    },
  },
  check: {
    usage: 'check /path [version]',
    ...{ min: 1, max: 2 },
    understand: ({ args: [path = '', wanted] }) => {
      const number = wanted === undefined ? undefined : version(wanted);
      return (sink) => sink.check(path, number);
    },
  },
  'check-absent': onPath('check-absent', (path) => (sink) => sink.checkAbsent(path)),
  get: onPath('get', (path) => (sink) => sink.get(path)),
  exists: onPath('exists', (path) => (sink) => sink.exists(path)),
};

/** The keywords of a transaction's text with how each is written, for help. */
export const transactionUsage: readonly string[] = Object.values(grammars).map(({ usage }) => usage);

/**
 * Reads a transaction from the arguments of `txn`. When the first of them has a blank in it each is one statement; else they are words, and
 * a word `;` ends a statement.
 *
 * @throws UsageError
 */
export function readArguments(args: readonly string[]): TransactionLine[] {
  if (args[0] !== undefined && /\s/.test(args[0])) return readLines(args);
  const statements: string[][] = [[]];
  for (const word of args) {
    if (word === ';') statements.push([]);
    else statements.at(-1)?.push(word);
  }
  return inOrder(statements.filter((words) => words.length > 0).map(readWords));
}

/** Reads a transaction from lines, one statement each; empty ones and those that begin with `#` are passed over. @throws UsageError */
export function readLines(lines: Iterable<string>): TransactionLine[] {
  const statements: TransactionLine[] = [];
  for (const line of lines) {
    const { words, open } = splitWords(line);
    if (open !== undefined)
      throw new UsageError(`the line ends with an open ${open}: ${line}`, 'Close it, or put a backslash before it.');
    if (words.length > 0) statements.push(readWords(words.map(({ text }) => text)));
  }
  return inOrder(statements);
}

function readWords(words: readonly string[]): TransactionLine {
  const [keyword = ''] = words;
  const grammar = Object.hasOwn(grammars, keyword) ? grammars[keyword] : undefined;
  if (!grammar) {
    const hint = `There are ${Object.keys(grammars).join(', ')}: see \`help txn\`.`;
    throw new UsageError(`"${keyword}" is no statement of a transaction: ${words.join(' ')}`, hint);
  }
  const usage = `Write it as: ${grammar.usage}`;
  const statement = readStatement(words, grammar.options ?? {}, { ...grammar, usage });
  return {
    text: statement.text,
    kind: grammar.kind ?? 'step',
    isEphemeral: keyword === 'create' && statement.options.ephemeral === true,
    tell: grammar.understand(statement),
  };
}

/** Comparisons decide about all steps: one that stands behind a step would read as if it saw that step. */
function inOrder(lines: TransactionLine[]): TransactionLine[] {
  const firstOther = lines.findIndex(({ kind }) => kind !== 'compare');
  const late = lines.find(({ kind }, index) => kind === 'compare' && firstOther >= 0 && index > firstOther);
  if (late) throw new UsageError(`a comparison stands behind a step: ${late.text}`, 'Put all comparisons first.');
  if (lines.filter(({ kind }) => kind === 'else').length > 1)
    throw new UsageError('there is a second `else`', 'A transaction has two branches at most.');
  return lines;
}

function onPath(keyword: string, tell: (path: string) => (sink: TransactionSink) => void): Grammar {
  return { usage: `${keyword} /path`, min: 1, max: 1, understand: ({ args: [path = ''] }) => tell(path) };
}

function versionOf({ options }: Statement): { readonly version?: number } {
  const wanted = options['if-version'];
  return typeof wanted === 'string' ? { version: version(wanted) } : {};
}

function conditionOf({ args: [field = '', , operator, operand], text }: Statement): Condition {
  const usage = `Write it as: ${grammars.compare?.usage}`;
  if (field === 'exists' || field === 'absent') {
    if (operator !== undefined) throw new UsageError(`\`compare ${field}\` takes a path only: ${text}`, usage);
    return { exists: field === 'exists' };
  }
  if (!isOperator(operator) || operand === undefined)
    throw new UsageError(`a comparison needs an operator and what to compare with: ${text}`, usage);
  switch (field) {
    case 'version':
      return { version: [operator, version(operand)] };
    case 'cversion':
      return { cversion: [operator, version(operand)] };
    case 'czxid':
      return { czxid: [operator, zxid(operand)] };
    case 'mzxid':
      return { mzxid: [operator, zxid(operand)] };
    case 'value':
      return { value: [operator, operand] };
    default:
      throw new UsageError(`"${field}" cannot be compared: ${text}`, usage);
  }
}

function isOperator(text: string | undefined): text is Relation<unknown>[0] {
  return text === '=' || text === '!=' || text === '<' || text === '>';
}
