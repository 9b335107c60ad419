import { CREATE_MODES, TTL_MS_MAX, type CreateMode } from '@zkl/wire';
import { badArguments, flag, show, wholeNumber } from '../options/validate.js';

/** The options of a create that say what kind of znode it is. */
export interface CreateModeOptions {
  /**
   * - `persistent` (default): stays until it is deleted.
   * - `ephemeral`: goes with its session, and cannot have children. Sessions only.
   * - `container`: goes soon after its last child.
   * - `ttl`: goes when it has no children and was not set for `ttlMs`.
   * - those with `Sequential`: the same with `sequential`.
   */
  readonly mode?: CreateMode | undefined;
  /** The path is a prefix: `/a/b-` becomes `/a/b-0000000007`, after the parent's counter of creations. Default: false. */
  readonly sequential?: boolean | undefined;
  /** Of a znode with a time to live, in milliseconds: 1 to 2^40 - 1. Makes the mode `ttl` if none is given. */
  readonly ttlMs?: number | undefined;
}

const SEQUENTIAL: Readonly<Partial<Record<CreateMode, CreateMode>>> = {
  persistent: 'persistentSequential',
  ephemeral: 'ephemeralSequential',
  ttl: 'ttlSequential',
};

/** @throws {@link BadArgumentsError} when the options do not go together. */
export function resolveCreateMode(options: CreateModeOptions): {
  readonly mode: CreateMode;
  readonly ttlMs: number | undefined;
} {
  const { ttlMs } = options;
  let mode: CreateMode = options.mode ?? (ttlMs === undefined ? 'persistent' : 'ttl');
  if (!CREATE_MODES.includes(mode)) throw badArguments(`mode is ${show(mode)}`, `There are ${CREATE_MODES.join(', ')}`);
  if (flag('sequential', options.sequential, false)) {
    const sequential = SEQUENTIAL[mode] ?? (mode.endsWith('Sequential') ? mode : undefined);
    if (sequential === undefined) throw badArguments(`A ${mode} znode cannot be sequential`);
    mode = sequential;
  }
  if (mode !== 'ttl' && mode !== 'ttlSequential') {
    if (ttlMs !== undefined) throw badArguments(`ttlMs does not go with the mode ${mode}`);
    return { mode, ttlMs: undefined };
  }
  if (ttlMs === undefined) throw badArguments('A znode with a time to live needs ttlMs');
  return { mode, ttlMs: wholeNumber('ttlMs', ttlMs, 1, TTL_MS_MAX, 1) };
}
