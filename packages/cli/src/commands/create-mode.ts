import type { CreateOptions } from '@zkl/client-sdk';
import { UsageError } from '../output/explain-error.js';

/** What the options of a creation are called where they are typed. `ttl` is in milliseconds. */
export interface CreateFlags {
  readonly ephemeral?: unknown;
  readonly sequential?: unknown;
  readonly container?: unknown;
  readonly ttl?: unknown;
}

/** What kind of znode the options ask for, as the client is told it. @throws UsageError when they do not go together. */
export function createMode(flags: CreateFlags): Pick<CreateOptions, 'mode' | 'sequential' | 'ttlMs'> {
  const kinds = [flags.ephemeral && '--ephemeral', flags.container && '--container', flags.ttl && '--ttl'].filter(
    Boolean,
  );
  if (kinds.length > 1) throw new UsageError(`${kinds.join(' and ')} do not go together`, 'Choose one of them.');
  if (flags.container && flags.sequential)
    throw new UsageError('a container cannot be sequential', 'Leave one of the two out.');
  const sequential = flags.sequential === true;
  if (flags.ephemeral) return { mode: 'ephemeral', sequential };
  if (flags.container) return { mode: 'container' };
  return typeof flags.ttl === 'number' ? { mode: 'ttl', ttlMs: flags.ttl, sequential } : { sequential };
}
