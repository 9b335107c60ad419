import type { OpenChannel } from '../channel/channel.js';
import type { ClientOptions } from '../options/client-options.js';
import { resolveOptions } from '../options/resolve-options.js';
import { Link } from '../stream/link.js';
import type { Client } from './client.js';
import { ZklClient } from './zkl-client.js';

/**
 * As `createClient`, over channels of another making.
 *
 * @throws {@link BadArgumentsError} when the options are malformed.
 */
export function createClientOver(open: OpenChannel, options: string | ClientOptions): Client {
  return new ZklClient(
    resolveOptions(options, { discover: true }),
    open,
    (dispatcher, session) => new Link(dispatcher.linkOptions(session)),
  );
}
