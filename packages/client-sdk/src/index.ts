import type { Dial } from './channel/node/dial.js';
import { nodeChannels } from './channel/node/node-channel.js';
import type { Client } from './client/client.js';
import { createClientOver } from './client/create-client-over.js';
import type { ClientOptions } from './options/client-options.js';
import { badArguments, show } from './options/validate.js';

export * from './surface.js';
export type { Dial } from './channel/node/dial.js';

/** What {@link createClient} is told in Node.js. */
export interface NodeClientOptions extends ClientOptions {
  /** How to reach a server: used for every connection of the client. For tunnels, and for servers within this process. Default: TCP. */
  readonly connect?: Dial | undefined;
}

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
export function createClient(input: string | NodeClientOptions): Client {
  const { connect, options } = splitConnect(input);
  return createClientOver(nodeChannels(connect), options);
}

function splitConnect(input: string | NodeClientOptions) {
  if (typeof input !== 'object' || input === null) return { connect: undefined, options: input };
  const { connect, ...options } = input;
  if (connect !== undefined && typeof connect !== 'function') {
    throw badArguments(`connect is ${show(connect)}`, 'Give a function that opens a connection');
  }
  return { connect, options };
}
