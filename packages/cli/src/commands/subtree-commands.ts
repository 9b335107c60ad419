import type { Quota } from '@zkl/client-sdk';
import { UsageError } from '../output/explain-error.js';
import { showName } from '../output/bytes.js';
import { countOf } from '../output/stat.js';
import type { CommandSpec, OptionSpec } from './command.js';
import { answer, timed } from './context.js';
import { integerIn } from './option-parsers.js';
import { attribution, readOptions, toReadOptions } from './register-commands.js';

const bounds = [
  ['countSoft', '--count-soft', 'znodes, top included: beyond it the servers warn'],
  ['countHard', '--count-hard', 'znodes, top included: beyond it writes are refused'],
  ['bytesSoft', '--bytes-soft', 'bytes of data: beyond it the servers warn'],
  ['bytesHard', '--bytes-hard', 'bytes of data: beyond it writes are refused'],
] as const;

const quotaOptions: readonly OptionSpec[] = bounds.map(([, flag, summary]) => ({
  flags: `${flag} <n>`,
  summary,
  parse: integerIn(flag, 0, Number.MAX_SAFE_INTEGER),
}));

/** The commands about whole subtrees. */
export const subtreeCommands: readonly CommandSpec[] = [
  {
    name: 'count',
    args: '<path>',
    summary: 'count the znodes below one',
    teaches: 'The znode itself is not counted. It is one answer of one state, without a list of names.',
    examples: ['count /app', 'count / --consistency local'],
    completes: 'path',
    options: readOptions,
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const read = toReadOptions(options);
      const { result, elapsedMs } = await timed(() => client.count(path, { ...read, signal: context.signal }));
      const facts = { ...attribution(result), consistency: read.consistency, elapsedMs };
      await answer(context, facts, { command: 'count', path, count: result.count }, () => [
        `${context.output.style.value(String(result.count))} ${result.count === 1 ? 'znode' : 'znodes'} below ${showName(path)}`,
      ]);
    },
  },
  {
    name: 'quota',
    args: '<path>',
    summary: 'show the quota of a subtree, and what it uses',
    teaches:
      'A quota bounds the number of znodes of a subtree and the bytes of their data, the znode at its top included. A hard bound is kept by ' +
      'the state machine itself: the write that would go beyond it is refused with QUOTA_EXCEEDED, at the same place on every server. ' +
      'Usage is counted only where there is a quota.',
    examples: ['quota /app'],
    completes: 'path',
    options: readOptions,
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const read = toReadOptions(options);
      const { result, elapsedMs } = await timed(() => client.quota(path, { ...read, signal: context.signal }));
      const { quota, count, bytes } = result;
      const facts = { ...attribution(result), consistency: read.consistency, elapsedMs };
      const object = { command: 'quota', path, quota: quota ? { ...quota } : null, count, bytes };
      await answer(context, facts, object, () => (quota ? showQuota(quota, count, bytes) : ['no quota']));
    },
  },
  {
    name: 'quota set',
    args: '<path>',
    summary: 'bound what a subtree may hold; bounds that are not named are none',
    examples: ['quota set /app --count-hard 1000 --bytes-soft 1000000'],
    completes: 'path',
    isWrite: true,
    options: quotaOptions,
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const quota: Quota = Object.fromEntries(
        bounds.map(([name]) => [name, options[name]]).filter(([, bound]) => bound !== undefined),
      ) as Quota;
      if (Object.keys(quota).length === 0)
        throw new UsageError('no bound is given', 'Such as --count-hard 1000; `quota remove` takes all of them away.');
      const { result, elapsedMs } = await timed(() => client.setQuota(path, quota, { signal: context.signal }));
      const object = { command: 'quota set', path, quota: { ...quota } };
      await answer(context, { ...attribution(result), elapsedMs }, object, () => [
        `${context.output.style.good('set')} the quota of ${showName(path)}`,
      ]);
    },
  },
  {
    name: 'quota remove',
    args: '<path>',
    summary: 'take the quota of a subtree away',
    examples: ['quota remove /app'],
    completes: 'path',
    isWrite: true,
    run: async (context, [path = '']) => {
      const client = await context.connection.client();
      const { result, elapsedMs } = await timed(() => client.setQuota(path, null, { signal: context.signal }));
      await answer(context, { ...attribution(result), elapsedMs }, { command: 'quota remove', path }, () => [
        `${context.output.style.good('removed')} the quota of ${showName(path)}`,
      ]);
    },
  },
];

function showQuota(quota: Quota, count: number, bytes: number): string[] {
  const against = (soft: number | undefined, hard: number | undefined): string =>
    `${soft === undefined ? '' : ` · warns beyond ${soft}`}${hard === undefined ? '' : ` · refuses beyond ${hard}`}`;
  return [
    `${countOf(count, 'znode', 'znodes')}${against(quota.countSoft, quota.countHard)}`,
    `${countOf(bytes, 'byte', 'bytes')}${against(quota.bytesSoft, quota.bytesHard)}`,
  ];
}
