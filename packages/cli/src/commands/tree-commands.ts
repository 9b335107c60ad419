import type { Child, Stat } from '@zkl/client-sdk';
import { jsonValue, showName, showValue } from '../output/bytes.js';
import type { JsonObject } from '../output/output.js';
import { formatZxid, hexZxid } from '../output/zxid.js';
import type { CommandSpec, OptionSpec } from './command.js';
import { answer, type Context, timed } from './context.js';
import * as parsers from './option-parsers.js';
import { attribution, readOptions, toReadOptions } from './register-commands.js';

const ifVersion: OptionSpec = {
  flags: '--if-version <n>',
  summary: 'only if the znode has this version, else BAD_VERSION',
  parse: parsers.integerIn('--if-version', -1, 2 ** 31 - 1),
};

/** The commands of the tree of znodes. */
export const treeCommands: readonly CommandSpec[] = [
  {
    name: 'ls',
    args: '[path]',
    summary: 'list the children of a znode',
    teaches:
      'Children come in pages, in the order of their names; each page is one consistent state. Without a path: the root.',
    examples: ['ls /', 'ls /app --stat'],
    completes: 'path',
    options: [
      { flags: '--stat', summary: 'with version, length of the data and number of children of each' },
      ...readOptions,
    ],
    run: listChildren,
  },
  {
    name: 'get',
    args: '<path>',
    summary: "show a znode's data and stat",
    examples: ['get /app', 'get /app --consistency local', 'get /app --raw'],
    completes: 'path',
    options: [...readOptions, { flags: '--raw', summary: 'print the bytes of the data and nothing else' }],
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const read = toReadOptions(options);
      const { result, elapsedMs } = await timed(() => client.get(path, { ...read, signal: context.signal }));
      if (options.raw) return context.output.raw(result.data ?? new Uint8Array());
      const { stat, data } = result;
      const facts = { ...attribution(result), version: stat.version, consistency: read.consistency, elapsedMs };
      const object = { command: 'get', path, ...jsonValue(data), stat: jsonStat(stat) };
      await answer(context, facts, object, () => [context.output.style.value(showValue(data)), briefStat(stat)]);
    },
  },
  {
    name: 'stat',
    args: '<path>',
    summary: 'show all eleven fields of what is known of a znode',
    teaches:
      'czxid, mzxid and pzxid are the writes that created it, last changed its data, and last created or deleted a child. version, ' +
      'cversion and aversion count the changes of data, children and access control list.',
    examples: ['stat /app'],
    completes: 'path',
    options: readOptions,
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const read = toReadOptions(options);
      // One child's page brings the stat without the data, and who answered.
      const call = () => client.listChildren(path, { ...read, pageSize: 1, signal: context.signal });
      const { result, elapsedMs } = await timed(call);
      const facts = { ...attribution(result), version: result.stat.version, consistency: read.consistency, elapsedMs };
      const object = { command: 'stat', path, stat: jsonStat(result.stat) };
      await answer(context, facts, object, () => fullStat(result.stat));
    },
  },
  {
    name: 'create',
    args: '<path> [data]',
    summary: 'create a znode',
    teaches:
      'The parent must exist. Without data the znode has none (null), which is not the same as empty (""). With --sequential the ' +
      'path is a prefix, and the cluster adds the number of creations under that parent so far: no two callers ever get the same name.',
    examples: ['create /app', 'create /app/config "a=1"', 'create /app/task- --sequential'],
    completes: 'path',
    isWrite: true,
    options: [{ flags: '--sequential', summary: 'add a number of ten digits that nobody else gets' }],
    run: async (context, [path = '', data], options) => {
      const client = await context.connection.client();
      const create = { sequential: options.sequential === true, signal: context.signal };
      const { result, elapsedMs } = await timed(() => client.create(path, data ?? null, create));
      const facts = { ...attribution(result), version: result.stat.version, elapsedMs };
      const object = { command: 'create', path: result.path, stat: jsonStat(result.stat) };
      await answer(context, facts, object, () => [`${context.output.style.good('created')} ${showName(result.path)}`]);
    },
  },
  {
    name: 'set',
    args: '<path> <data>',
    summary: "replace a znode's data",
    teaches:
      'With --if-version the write is refused unless the znode still has that version: read it, decide, and write without ever ' +
      'overwriting what somebody else wrote in between.',
    examples: ['set /app/config "a=2"', 'set /app/config "a=2" --if-version 0'],
    completes: 'path',
    isWrite: true,
    options: [ifVersion],
    run: async (context, [path = '', data = ''], options) => {
      const client = await context.connection.client();
      const version = options.ifVersion as number | undefined;
      const { result, elapsedMs } = await timed(() => client.set(path, data, { version, signal: context.signal }));
      const facts = { ...attribution(result), version: result.stat.version, elapsedMs };
      const object = { command: 'set', path, stat: jsonStat(result.stat) };
      await answer(context, facts, object, () => [`${context.output.style.good('set')} ${showName(path)}`]);
    },
  },
  {
    name: 'delete',
    args: '<path>',
    summary: 'delete a znode that has no children',
    examples: ['delete /app/config', 'delete /app/config --if-version 1'],
    completes: 'path',
    isWrite: true,
    options: [ifVersion],
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const version = options.ifVersion as number | undefined;
      const { result, elapsedMs } = await timed(() => client.delete(path, { version, signal: context.signal }));
      await answer(context, { ...attribution(result), elapsedMs }, { command: 'delete', path }, () => [
        `${context.output.style.good('deleted')} ${showName(path)}`,
      ]);
    },
  },
];

/** Page after page, each written as it comes: a million children do not wait in memory. */
async function listChildren(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const path = args[0] ?? '/';
  const client = await context.connection.client();
  const read = toReadOptions(options);
  const withStat = options.stat === true;
  let [startAfter, atLeast] = [undefined as string | undefined, read.atLeast];
  let [listed, elapsedMs] = [0, 0];
  for (;;) {
    const call = () => client.listChildren(path, { ...read, atLeast, startAfter, withStat, signal: context.signal });
    const page = await timed(call);
    const { children, more, stat, zxid } = page.result;
    elapsedMs += page.elapsedMs;
    listed += children.length;
    for (const child of children) showChild(context, child);
    if (!more) {
      const facts = { ...attribution(page.result), consistency: read.consistency, elapsedMs };
      const object = { command: 'ls', path, children: listed, cversion: stat.cversion };
      return answer(context, facts, object, () => [context.output.style.quiet(count(listed, 'child', 'children'))]);
    }
    startAfter = children.at(-1)?.name;
    atLeast = zxid;
  }
}

function showChild({ output }: Context, { name, path, stat }: Child): void {
  output.answer({ name, path, stat: stat && jsonStat(stat) }, () => {
    const details =
      stat &&
      `  version ${stat.version} · ${count(stat.dataLength, 'byte', 'bytes')} · ${count(stat.numChildren, 'child', 'children')} · mzxid ${formatZxid(stat.mzxid)}`;
    return `${output.style.value(showName(name))}${output.style.quiet(details ?? '')}`;
  });
}

function briefStat(stat: Stat): string {
  const modified = new Date(stat.mtime).toISOString();
  return `${count(stat.dataLength, 'byte', 'bytes')} · ${count(stat.numChildren, 'child', 'children')} · written at zxid ${formatZxid(stat.mzxid)}, ${modified}`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** For programs; 64-bit numbers as `0x...`. */
export function jsonStat(stat: Stat): JsonObject {
  const { czxid, mzxid, pzxid, ephemeralOwner, ...numbers } = stat;
  const hex = {
    czxid: hexZxid(czxid),
    mzxid: hexZxid(mzxid),
    pzxid: hexZxid(pzxid),
    ephemeralOwner: hexZxid(ephemeralOwner),
  };
  return { ...hex, ...numbers };
}

function fullStat(stat: Stat): string[] {
  const time = (ms: number): string => new Date(ms).toISOString();
  return [
    `czxid          ${formatZxid(stat.czxid)}   created ${time(stat.ctime)}`,
    `mzxid          ${formatZxid(stat.mzxid)}   data changed ${time(stat.mtime)}`,
    `pzxid          ${formatZxid(stat.pzxid)}   children changed`,
    `version        ${stat.version}`,
    `cversion       ${stat.cversion}`,
    `aversion       ${stat.aversion}`,
    `ephemeralOwner ${hexZxid(stat.ephemeralOwner)}`,
    `dataLength     ${stat.dataLength}`,
    `numChildren    ${stat.numChildren}`,
  ];
}
