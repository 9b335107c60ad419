import type { Client, SnapshotNode, WatchEvent, WatchOptions } from '@zkl/client-sdk';
import { jsonValue, showName, showValue } from '../output/bytes.js';
import { CommandError, UsageError } from '../output/explain-error.js';
import type { JsonObject, Output } from '../output/output.js';
import { countOf } from '../output/stat.js';
import type { Style } from '../output/style.js';
import { counterOf, epochOf, formatZxid, hexZxid } from '../output/zxid.js';
import { JOBS_MAX } from '../shell/jobs.js';
import type { CommandSpec } from './command.js';
import type { Context } from './context.js';
import { integerIn, zxid } from './option-parsers.js';

/** What a watch of the command line is told. */
export interface WatchRequest {
  readonly path: string;
  readonly scope: NonNullable<WatchOptions['scope']>;
  readonly from: bigint | undefined;
  readonly data: boolean;
  /** Ends after this many changes. */
  readonly count: number | undefined;
}

/** `watch`: the changes of a part of the tree. */
export const watchCommand: CommandSpec = {
  name: 'watch',
  args: '<path>',
  summary: 'print every change of a znode, its children or its subtree, as it comes',
  teaches:
    'Unlike in ZooKeeper a watch is no alarm that rings once, but a stream: each change exactly once, in order, with its zxid. It goes on ' +
    'through lost connections and elections where it was. With --from it begins behind a zxid that you saw earlier, as long as the servers ' +
    'keep that history; when they do not, a reset with the present state comes first. In the shell it goes on behind the prompt: see `jobs`.',
  examples: ['watch /app', 'watch /app --scope subtree --data', 'watch / --scope subtree --from 0x100000002'],
  completes: 'path',
  options: [
    { flags: '--scope <scope>', summary: 'node (default), children, or subtree', parse: scope },
    { flags: '--from <zxid>', summary: 'changes after this zxid (default: from now on)', parse: zxid },
    { flags: '--data', summary: 'with the new data' },
    {
      flags: '--count <n>',
      summary: 'end after so many changes',
      parse: integerIn('--count', 1, Number.MAX_SAFE_INTEGER),
    },
  ],
  run: async (context, [path = ''], options) => {
    await showChanges(context, `watch ${path}`, {
      path,
      scope: (options.scope as WatchRequest['scope'] | undefined) ?? 'node',
      from: options.from as bigint | undefined,
      data: options.data === true,
      count: options.count as number | undefined,
    });
  },
};

/**
 * Prints changes until there were enough, or until it is stopped: in a shell behind the prompt, elsewhere by Ctrl-C. Resolves once that is
 * so; in a shell once the watch stands, so that no change by a later line is missed.
 */
export async function showChanges(context: Context, title: string, request: WatchRequest): Promise<void> {
  const { connection, output, shell, signal } = context;
  const client = await connection.client();
  if (!shell) return follow(client, request, output, signal);
  if (shell.jobs.isFull) throw new CommandError('TOO_MANY_JOBS', `${JOBS_MAX} jobs go on already`, 'End some: `stop`.');
  let [isStanding, failure] = [false, undefined as unknown];
  let settle!: () => void;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const onReady = (): void => {
    isStanding = true;
    settle();
  };
  const job = shell.jobs.start(title, output, async (aside, stopped) => {
    try {
      await follow(client, request, aside, stopped, onReady);
    } catch (error) {
      // Until it stands, its failure is the answer to the line that began it.
      if (isStanding) throw error;
      failure = error;
    } finally {
      settle();
    }
  });
  const onInterrupt = (): void => void shell.jobs.stop(job.id);
  signal.addEventListener('abort', onInterrupt, { once: true });
  await settled;
  signal.removeEventListener('abort', onInterrupt);
  if (failure !== undefined) throw failure as Error;
  signal.throwIfAborted();
  output.note(output.style.quiet(`job ${job.id} watches; \`stop ${job.id}\` ends it`));
}

async function follow(
  client: Client,
  { path, scope: wanted, from, data, count }: WatchRequest,
  output: Output,
  signal: AbortSignal,
  onReady?: () => void,
): Promise<void> {
  const watch = client.watch(path, { scope: wanted, from, data, signal });
  try {
    await watch.ready();
    onReady?.();
    let seen = 0;
    for await (const event of watch) {
      showEvent(output, event, data);
      if ((seen += 1) === count) return;
    }
  } catch (error) {
    // To be stopped is how a watch ends.
    if (!signal.aborted) throw error;
  }
}

function showEvent(output: Output, event: WatchEvent, withData: boolean): void {
  output.answer(jsonEvent(event, withData), () => formatEvent(event, withData, output.style));
}

/** A change in one line; a reset in one line for it and one for each znode. */
function formatEvent(event: WatchEvent, withData: boolean, style: Style): string {
  const value = (data: Uint8Array | null | undefined): string => (withData ? `  ${style.value(showValue(data))}` : '');
  if (event.type === 'reset') {
    const { reason, zxid: at, nodes } = event;
    const head = `${style.quiet(formatZxid(at))}  ${style.warn('reset')}  ${reasons[reason]}: ${countOf(nodes.length, 'znode', 'znodes')} now`;
    return [head, ...nodes.map(({ path, data }) => `  ${showName(path)}${value(data)}`)].join('\n');
  }
  const { type, path, zxid: at, data } = event;
  const color = type === 'deleted' ? style.bad : style.good;
  return `${style.quiet(formatZxid(at))}  ${color(type.padEnd(7))}  ${showName(path)}${type === 'deleted' ? '' : value(data)}`;
}

function jsonEvent(event: WatchEvent, withData: boolean): JsonObject {
  const at = { zxid: hexZxid(event.zxid), epoch: epochOf(event.zxid), counter: counterOf(event.zxid) };
  const value = (data: Uint8Array | null | undefined): JsonObject => (withData ? jsonValue(data) : {});
  if (event.type === 'reset') {
    const node = ({ path, stat, data }: SnapshotNode): JsonObject => ({ path, version: stat.version, ...value(data) });
    return { command: 'watch', event: 'reset', reason: event.reason, ...at, nodes: event.nodes.map(node) };
  }
  const { type, path, data } = event;
  return { command: 'watch', event: type, path, ...at, ...(type === 'deleted' ? {} : value(data)) };
}

const reasons = {
  requested: 'as asked for',
  historyGone: 'no server keeps the changes since then',
  tooSlow: 'the changes came faster than they were read',
} as const;

/** @throws UsageError */
function scope(text: string): WatchRequest['scope'] {
  if (text === 'node' || text === 'children' || text === 'subtree') return text;
  throw new UsageError(`"${text}" is no scope`, 'Take node (the znode itself), children, or subtree.');
}
