import { openWebChannel } from '../channel/web/web-channel.js';
import type { Client } from '../client/client.js';
import { ZklClient } from '../client/zkl-client.js';
import type { ClientOptions } from '../options/client-options.js';
import { resolveOptions } from '../options/resolve-options.js';

export * from '../surface.js';

/**
 * Makes a client for browsers, over `fetch`. It is the same client, but that `discover` is off by default: a browser mostly reaches
 * the cluster at one address, behind which the members' own are not for it.
 *
 * @param input - Options, or a connection string, as in Node.js. Endpoints may have a path: `https://example.org/zkl`.
 * @throws {@link BadArgumentsError} when it is malformed.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk/web';
 *
 * await using client = createClient({ endpoints: ['https://example.org/zkl'] });
 * const { value } = await client.register.read();
 * ```
 */
export function createClient(input: string | ClientOptions): Client {
  return new ZklClient(resolveOptions(input, { discover: false }), openWebChannel, undefined);
}
