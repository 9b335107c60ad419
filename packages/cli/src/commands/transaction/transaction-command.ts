import type { Calls, StepResult, TransactionResult } from '@zkl/client-sdk';
import { createInterface } from 'node:readline';
import { showName, showValue, jsonValue } from '../../output/bytes.js';
import { EXIT_FAILED, UsageError } from '../../output/explain-error.js';
import { jsonFacts } from '../../output/facts.js';
import type { JsonObject } from '../../output/output.js';
import { briefStat, countOf, jsonStat } from '../../output/stat.js';
import type { Style } from '../../output/style.js';
import { formatZxid } from '../../output/zxid.js';
import type { CommandSpec } from '../command.js';
import { answer, type Context, timed } from '../context.js';
import { keepUntilInterrupted, sessionTimeoutOption, useSession } from '../own-session.js';
import { attribution } from '../register-commands.js';
import { readArguments, readLines, type TransactionLine, transactionUsage } from './transaction-text.js';

/** Lines that standard input may hold: more than any transaction may. */
const LINES_MAX = 10_000;

/** `txn`: several writes as one. */
export const transactionCommand: CommandSpec = {
  name: 'txn',
  args: '[statement...]',
  summary: 'do several writes as one: all of them or none, at one zxid',
  teaches:
    'First come comparisons, if any: when all hold, the steps that follow are done, else those behind `else`. A step that fails (a check, a ' +
    'name that exists) takes all of them back. A `;` ends a statement; or put each statement in quotes; or, outside the shell, ' +
    `write them as lines on standard input. The statements: ${transactionUsage.join(' | ')}. To compare decides, to check fails.`,
  examples: [
    'txn create /a x ; create /a/b y',
    'txn compare version /a = 0 ; set /a z ; else ; get /a',
    'txn "check /a 1" "delete /a/b" "delete /a"',
  ],
  isWrite: true,
  takesAnyWord: true,
  options: [sessionTimeoutOption],
  run: async (context, args, options) => {
    const lines = args.length > 0 ? readArguments(args) : await readInput(context);
    const ephemeral = lines.some(({ isEphemeral }) => isEphemeral);
    const session = ephemeral ? await useSession(context, options) : undefined;
    const { result, elapsedMs } = await timed(() => send(session ?? context.connection, lines, context.signal));
    const code = await show(context, stepsOf(lines, result.branch), result, elapsedMs);
    if (code === undefined && session) await keepUntilInterrupted(context, session, 'its ephemeral znodes stay');
    return code;
  },
};

async function send(
  where: Calls | Context['connection'],
  lines: readonly TransactionLine[],
  signal: AbortSignal,
): Promise<TransactionResult> {
  const transaction = ('client' in where ? await where.client() : where).transaction();
  for (const { tell } of lines) tell(transaction);
  return transaction.run({ signal });
}

async function readInput({ shell }: Context): Promise<TransactionLine[]> {
  if (shell) throw new UsageError('there is no transaction on this line', 'Such as: txn create /a x ; set /b y');
  const lines: string[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    lines.push(line);
    if (lines.length > LINES_MAX) throw new UsageError(`more than ${LINES_MAX} lines`, 'A transaction is shorter.');
  }
  return readLines(lines);
}

function stepsOf(lines: readonly TransactionLine[], branch: TransactionResult['branch']): TransactionLine[] {
  const middle = lines.findIndex(({ kind }) => kind === 'else');
  const end = middle < 0 ? lines.length : middle;
  return (branch === 'then' ? lines.slice(0, end) : lines.slice(end + 1)).filter(({ kind }) => kind === 'step');
}

/** @returns The exit code when a step failed. */
async function show(
  context: Context,
  steps: readonly TransactionLine[],
  result: TransactionResult,
  elapsedMs: number,
): Promise<number | undefined> {
  const { output } = context;
  const { branch, committed, results } = result;
  const facts = { ...attribution(result), elapsedMs };
  const object = { command: 'txn', branch, committed, results: results.map(jsonStep) };
  const lines = (style: Style): string[] =>
    results.map((step, index) => `  ${showStep(step, style)}  ${style.quiet(showName(steps[index]?.text ?? ''))}`);
  if (committed) {
    const headline = `${output.style.good('done')}: ${countOf(results.length, 'step', 'steps')} of the branch \`${branch}\``;
    await answer(context, facts, object, () => [headline, ...lines(output.style)]);
    return undefined;
  }
  const failed = results.find((step) => step.kind === 'failed');
  const code = failed?.kind === 'failed' ? failed.code : 'RUNTIME_INCONSISTENCY';
  const effect = `none: it was ordered at zxid ${formatZxid(result.zxid)}, and no step of it took effect`;
  const error = {
    code,
    message: 'a step of the transaction failed',
    outcome: 'rejected',
    path: failed && pathOf(failed),
  };
  output.error({ ...object, error, ...jsonFacts(facts) }, () => {
    const { style } = output;
    return [
      `${style.bad(code)}  a step of the branch \`${branch}\` failed`,
      ...lines(style),
      `  ${style.quiet('effect')}  ${effect}`,
    ].join('\n');
  });
  return EXIT_FAILED;
}

function pathOf(step: StepResult): string | undefined {
  return step.kind === 'failed' ? step.path : undefined;
}

function showStep(step: StepResult, style: Style): string {
  switch (step.kind) {
    case 'created':
      return `${style.good(step.created ? 'created' : 'was there')} ${showName(step.path)}`;
    case 'set':
      return `${style.good('set')} to version ${step.stat.version}`;
    case 'deleted':
      return `${style.good('deleted')} ${countOf(step.deleted, 'znode', 'znodes')}`;
    case 'got':
      return `${style.value(showValue(step.data))} ${briefStat(step.stat)}`;
    case 'existed':
      return step.stat ? `exists, version ${step.stat.version}` : 'does not exist';
    case 'ok':
      return 'ok';
    case 'failed':
      return step.code === 'RUNTIME_INCONSISTENCY' ? style.quiet('not done') : style.bad(step.code);
  }
}

function jsonStep(step: StepResult): JsonObject {
  const { kind } = step;
  switch (kind) {
    case 'created':
      return { kind, path: step.path, created: step.created, stat: jsonStat(step.stat) };
    case 'set':
      return { kind, stat: jsonStat(step.stat) };
    case 'deleted':
      return { kind, deleted: step.deleted };
    case 'got':
      return { kind, ...jsonValue(step.data), stat: jsonStat(step.stat) };
    case 'existed':
      return { kind, stat: step.stat ? jsonStat(step.stat) : null };
    case 'ok':
      return { kind };
    case 'failed':
      return { kind, code: step.code, path: step.path };
  }
}
