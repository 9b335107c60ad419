import { type Child, type Client, isZklError } from '@zkl/client-sdk';
import { showName } from '../output/bytes.js';
import { countOf, jsonStat, listStat } from '../output/stat.js';
import type { CommandSpec } from './command.js';
import { answer, type Context, timed } from './context.js';
import { attribution, readOptions, toReadOptions } from './register-commands.js';

/** `ls`: the children of a znode, or everything below it. */
export const listCommand: CommandSpec = {
  name: 'ls',
  args: '[path]',
  summary: 'list the children of a znode, or everything below it',
  teaches:
    'Children come in pages, in the order of their names; each page is one consistent state. Without a path: the root. With -R it goes ' +
    'down from parent to child, so the whole is no single state: a transaction or a watch from a zxid gives you that.',
  examples: ['ls /', 'ls /app --stat', 'ls -R /app'],
  completes: 'path',
  options: [
    { flags: '-R, --recursive', summary: 'everything below it, as paths, parents before their children' },
    { flags: '--stat', summary: 'with version, length of the data and number of children of each' },
    ...readOptions,
  ],
  run: (context, args, options) => (options.recursive ? listSubtree : listChildren)(context, args[0] ?? '/', options),
};

type Options = Readonly<Record<string, unknown>>;

/** Page after page, each written as it comes: a million children do not wait in memory. */
async function listChildren(context: Context, path: string, options: Options): Promise<void> {
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
    for (const child of children) showChild(context, child, child.name);
    if (!more) {
      const facts = { ...attribution(page.result), consistency: read.consistency, elapsedMs };
      const object = { command: 'ls', path, children: listed, cversion: stat.cversion };
      return answer(context, facts, object, () => [context.output.style.quiet(countOf(listed, 'child', 'children'))]);
    }
    startAfter = children.at(-1)?.name;
    atLeast = zxid;
  }
}

/** Memory goes with the depth, not with the number: of each ancestor one page waits. */
async function listSubtree(context: Context, path: string, options: Options): Promise<void> {
  const client = await context.connection.client();
  const read = toReadOptions(options);
  const began = performance.now();
  let listed = 0;
  for await (const child of descendants(client, path, { ...read, signal: context.signal })) {
    listed += 1;
    showChild(context, options.stat === true ? child : { name: child.name, path: child.path }, child.path);
  }
  const facts = { consistency: read.consistency, elapsedMs: performance.now() - began };
  const object = { command: 'ls', path, recursive: true, descendants: listed };
  return answer(context, facts, object, () => [context.output.style.quiet(countOf(listed, 'znode', 'znodes'))]);
}

type Walk = Parameters<Client['children']>[1];

async function* descendants(client: Client, path: string, options: Walk): AsyncGenerator<Child> {
  for await (const child of client.children(path, { ...options, withStat: true })) {
    yield child;
    if (child.stat?.numChildren === 0) continue;
    try {
      yield* descendants(client, child.path, options);
    } catch (error) {
      // Deleted since its parent's page was read: then nothing is below it.
      if (!isZklError(error, 'NO_NODE')) throw error;
    }
  }
}

function showChild({ output }: Context, { name, path, stat }: Child, label: string): void {
  output.answer({ name, path, stat: stat && jsonStat(stat) }, () => {
    const details = stat ? `  ${listStat(stat)}` : '';
    return `${output.style.value(showName(label))}${output.style.quiet(details)}`;
  });
}
