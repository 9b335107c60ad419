import { jsonValue, showName, showValue } from '../output/bytes.js';
import { briefStat, countOf, fullStat, jsonStat } from '../output/stat.js';
import type { CommandSpec, OptionSpec } from './command.js';
import { answer, timed } from './context.js';
import { createMode } from './create-mode.js';
import * as parsers from './option-parsers.js';
import { keepUntilInterrupted, sessionTimeoutOption, useSession } from './own-session.js';
import { attribution, readOptions, toReadOptions } from './register-commands.js';
import { showChanges } from './watch-commands.js';

const ifVersion: OptionSpec = {
  flags: '--if-version <n>',
  summary: 'only if the znode has this version, else BAD_VERSION',
  parse: parsers.integerIn('--if-version', -1, 2 ** 31 - 1),
};

/** The commands of the tree of znodes. */
export const treeCommands: readonly CommandSpec[] = [
  {
    name: 'get',
    args: '<path>',
    summary: "show a znode's data and stat",
    teaches:
      'With -w it goes on, and prints every change from the very state that it showed: nothing in between is missed. In the shell that goes ' +
      'on behind the prompt (see `jobs`), elsewhere until Ctrl-C.',
    examples: ['get /app', 'get /app -w', 'get /app --consistency local', 'get /app --raw'],
    completes: 'path',
    options: [
      ...readOptions,
      { flags: '--raw', summary: 'print the bytes of the data and nothing else' },
      { flags: '-w, --watch', summary: 'then print every change, with its data' },
    ],
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const read = toReadOptions(options);
      const { result, elapsedMs } = await timed(() => client.get(path, { ...read, signal: context.signal }));
      if (options.raw) return context.output.raw(result.data ?? new Uint8Array());
      const { stat, data } = result;
      const facts = { ...attribution(result), version: stat.version, consistency: read.consistency, elapsedMs };
      const object = { command: 'get', path, ...jsonValue(data), stat: jsonStat(stat) };
      await answer(context, facts, object, () => [context.output.style.value(showValue(data)), briefStat(stat)]);
      if (options.watch !== true) return;
      const changes = { path, scope: 'node', from: result.zxid, data: true, count: undefined } as const;
      await showChanges(context, `get ${path} -w`, changes);
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
      'The parent must exist. Without data the znode has none (null), which is not the same as empty (""). With -s the path is a prefix, and ' +
      'the cluster adds the number of creations under that parent so far: no two callers ever get the same name. An ephemeral znode (-e) ' +
      'goes with the session that made it; a container (-c) goes soon after its last child; one with --ttl goes when it has no children ' +
      'and was not set for that long.',
    examples: [
      ...['create /app', 'create /app/config "a=1"', 'create /app/task- -s', 'create /app/me here -e'],
      ...['create /locks -c', 'create /app/cache x --ttl 10m', 'create /app --if-absent'],
    ],
    completes: 'path',
    isWrite: true,
    options: [
      { flags: '-e, --ephemeral', summary: "it goes with the shell's session; outside a shell: with Ctrl-C" },
      { flags: '-s, --sequential', summary: 'add a number of ten digits that nobody else gets' },
      { flags: '-c, --container', summary: 'it goes soon after its last child' },
      {
        flags: '--ttl <duration>',
        summary: 'it goes when it is not set for this long, and has no children',
        parse: parsers.duration('--ttl', 2 ** 40 - 1),
      },
      { flags: '--if-absent', summary: 'take one that exists for the answer, in place of an error' },
      sessionTimeoutOption,
    ],
    run: async (context, [path = '', data], options) => {
      const mode = createMode(options);
      const session = mode.mode === 'ephemeral' ? await useSession(context, options) : undefined;
      const calls = session ?? (await context.connection.client());
      const create = { ...mode, ifAbsent: options.ifAbsent === true, signal: context.signal };
      const { result, elapsedMs } = await timed(() => calls.create(path, data ?? null, create));
      const { created, stat } = result;
      const facts = { ...attribution(result), version: stat.version, elapsedMs };
      const object = { command: 'create', path: result.path, created, stat: jsonStat(stat) };
      await answer(context, facts, object, () => [
        `${context.output.style.good(created ? 'created' : 'was there')} ${showName(result.path)}`,
      ]);
      if (session) await keepUntilInterrupted(context, session, 'it stays');
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
    summary: 'delete a znode, or one with everything below it',
    teaches:
      'A znode that has children is not deleted, unless with -R: then it goes with everything below it in one zxid, all or nothing, and ' +
      'no reader ever sees half of it.',
    examples: ['delete /app/config', 'delete /app/config --if-version 1', 'delete -R /app'],
    completes: 'path',
    isWrite: true,
    options: [{ flags: '-R, --recursive', summary: 'with everything below it' }, ifVersion],
    run: async (context, [path = ''], options) => {
      const client = await context.connection.client();
      const call = { version: options.ifVersion as number | undefined, signal: context.signal };
      const { result, elapsedMs } = await timed(async () => {
        if (options.recursive === true) return client.deleteRecursive(path, call);
        return { ...(await client.delete(path, call)), deleted: 1 };
      });
      const { deleted } = result;
      const object = { command: 'delete', path, deleted };
      await answer(context, { ...attribution(result), elapsedMs }, object, () => [
        `${context.output.style.good('deleted')} ${showName(path)}${deleted === 1 ? '' : `: ${countOf(deleted, 'znode', 'znodes')}`}`,
      ]);
    },
  },
];
