import type { ReadOptions } from '@zkl/client-sdk';
import { jsonValue, showValue } from '../output/bytes.js';
import { hexZxid, formatZxid } from '../output/zxid.js';
import type { CommandSpec, OptionSpec } from './command.js';
import { answer, timed } from './context.js';
import * as parsers from './option-parsers.js';

/** What every read takes. */
export const readOptions: readonly OptionSpec[] = [
  {
    flags: '--consistency <kind>',
    summary: 'linearizable: sees every acknowledged write (default); local: what one server has, fast, may lag',
    parse: parsers.consistency,
  },
  { flags: '--at-least <zxid>', summary: 'wait until the server has applied this zxid', parse: parsers.zxid },
];

export function toReadOptions(options: Readonly<Record<string, unknown>>): Required<ReadOptions> {
  return {
    consistency: (options.consistency as ReadOptions['consistency']) ?? 'linearizable',
    atLeast: options.atLeast as bigint | undefined,
  };
}

/** The lab's commands: one replicated value that is written, guessed and read. */
export const registerCommands: readonly CommandSpec[] = [
  {
    name: 'write',
    args: '<value>',
    summary: 'replace the value that the whole cluster holds',
    teaches:
      'The leader gives the write the next zxid and proposes it to the followers. Each of them puts it on disk and says so; with the ' +
      'word of a majority the write is committed, and only then you get your answer. From there on it survives the death of any ' +
      'minority of the servers, the leader included. Any server takes the write: a follower hands it to the leader.',
    examples: ['write 42', 'write "two words"', 'write ""'],
    isWrite: true,
    run: async (context, [value = '']) => {
      const client = await context.connection.client();
      const { result, elapsedMs } = await timed(() => client.register.write(value, { signal: context.signal }));
      const facts = { ...attribution(result), version: result.version, elapsedMs };
      await answer(context, facts, { command: 'write', value }, () => [
        `${context.output.style.good('written')} ${showText(value)}`,
      ]);
    },
  },
  {
    name: 'guess',
    args: '<value>',
    summary: 'ask whether the value is this one',
    teaches:
      'A guess is a question that travels like a write: through the leader and the log. So it has a zxid of its own and stands at one ' +
      'exact place among the writes; the answer is what was true at that place, on every server. It changes nothing but two counters.',
    examples: ['guess 42'],
    isWrite: true,
    run: async (context, [value = '']) => {
      const client = await context.connection.client();
      const { result, elapsedMs } = await timed(() => client.register.guess(value, { signal: context.signal }));
      const { matched, version } = result;
      const facts = { ...attribution(result), version, elapsedMs };
      await answer(context, facts, { command: 'guess', value, matched }, () => {
        const { style } = context.output;
        if (matched) return [`${style.good('hit')}: the value is ${showText(value)}`];
        return [
          `${style.warn('miss')}: the value is not ${showText(value)}${version === 0 ? ' (nothing was written yet)' : ''}`,
        ];
      });
    },
  },
  {
    name: 'read',
    summary: 'show the value that the whole cluster holds',
    teaches:
      'A linearizable read (the default) sees every write that was acknowledged before it was asked: the server makes sure with the ' +
      'leader, and the leader with a majority, that nothing newer exists. With --consistency local the server answers at once from what ' +
      'it has, which may be a moment old: compare the two while a follower is down. The zxid tells up to where the server had applied ' +
      'all writes when it read.',
    examples: ['read', 'read --consistency local', 'read --at-least 0x100000002'],
    options: [...readOptions, { flags: '--raw', summary: 'print the bytes of the value and nothing else' }],
    run: async (context, _, options) => {
      const client = await context.connection.client();
      const read = toReadOptions(options);
      const { result, elapsedMs } = await timed(() => client.register.read({ ...read, signal: context.signal }));
      if (options.raw) return context.output.raw(result.value ?? new Uint8Array());
      const { value, version, mzxid, guesses, hits } = result;
      const facts = { ...attribution(result), version, consistency: read.consistency, elapsedMs };
      const object = {
        ...{ command: 'read', ...jsonValue(value), writtenAt: hexZxid(mzxid) },
        ...{ guesses: Number(guesses), hits: Number(hits) },
      };
      await answer(context, facts, object, () => [
        version === 0
          ? context.output.style.quiet('nothing was written yet')
          : context.output.style.value(showValue(value)),
        `${version === 0 ? '' : `written at zxid ${formatZxid(mzxid)} · `}guesses ${guesses}, hits ${hits}`,
      ]);
    },
  },
];

/** Who answered and who leads, as far as the result tells. */
export function attribution(result: {
  readonly zxid: bigint;
  readonly serverId?: number;
  readonly leaderId?: number;
}): {
  readonly zxid: bigint;
  readonly server: number | undefined;
  readonly leader: number | undefined;
} {
  return { zxid: result.zxid, server: result.serverId, leader: result.leaderId };
}

function showText(value: string): string {
  return showValue(new TextEncoder().encode(value));
}
