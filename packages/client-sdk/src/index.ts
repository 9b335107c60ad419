import { openHttp2Channel } from './channel/node/http2-channel.js';
import type { Client } from './client/client.js';
import { ZklClient } from './client/zkl-client.js';
import type { ClientOptions } from './options/client-options.js';
import { Link } from './stream/link.js';
import { resolveOptions } from './options/resolve-options.js';

export * from './surface.js';

/**
 * Makes a client for Node.js. It connects when it is first used.
 *
 * @param input - Options, or a connection string: `zkl://host:port,host:port/?timeoutMs=5000`. The options of the query have the
 *   names and bounds of {@link ClientOptions}; `zkls://` is the same over TLS.
 * @throws {@link BadArgumentsError} when it is malformed.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 *
 * await using client = createClient({ endpoints: ['127.0.0.1:7001', '127.0.0.1:7002', '127.0.0.1:7003'] });
 * await client.create('/greeting', 'hello');
 * const { stat } = await client.get('/greeting');
 * await client.set('/greeting', 'hello again', { version: stat.version });
 * ```
 */
export function createClient(input: string | ClientOptions): Client {
  return new ZklClient(
    resolveOptions(input, { discover: true }),
    openHttp2Channel,
    (dispatcher, session) => new Link(dispatcher.linkOptions(session)),
  );
}
