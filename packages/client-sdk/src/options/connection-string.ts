import type { ClientOptions } from './client-options.js';
import { badArguments, show } from './validate.js';

/** The longest connection string that is looked at. */
const CHARS_MAX = 16_384;

type Kind = 'number' | 'boolean';

/** What may stand in the query, and what it is. */
const QUERY = new Map<string, Kind>(
  Object.entries({
    timeoutMs: 'number',
    attemptTimeoutMs: 'number',
    server: 'number',
    discover: 'boolean',
    monotonicReads: 'boolean',
    writesInFlightMax: 'number',
    writesQueuedMax: 'number',
    readsInFlightMax: 'number',
    readsQueuedMax: 'number',
    messageBytesMax: 'number',
    stream: 'boolean',
  } satisfies Record<Exclude<keyof ClientOptions, 'endpoints' | 'chroot'>, Kind>),
);

/**
 * Reads `zkl://host:port,host:port/?timeoutMs=5000`: the endpoints, and options by their names. `zkls://` is the same over TLS. The path is
 * the `chroot`, as it stands: nothing in it is decoded.
 *
 * @throws {@link BadArgumentsError}
 */
export function parseConnectionString(text: string): Record<string, unknown> {
  const match = text.length > CHARS_MAX ? null : /^(zkls?):\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(text);
  if (match === null) {
    throw badArguments(`${show(text)} is not a connection string`, 'Write zkl://host:port,host:port/?option=value');
  }
  const [, scheme, hosts = '', path = '/', query = ''] = match;
  const endpoints = hosts === '' ? [] : hosts.split(',');
  return {
    endpoints: scheme === 'zkls' ? endpoints.map((endpoint) => `https://${endpoint}`) : endpoints,
    ...(path !== '/' && { chroot: path }),
    ...parseQuery(query),
  };
}

function parseQuery(query: string): Record<string, number | boolean> {
  const options: Record<string, number | boolean> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const kind = QUERY.get(name);
    if (kind === undefined) {
      throw badArguments(
        `The connection string has the unknown option ${show(name)}`,
        `There are ${[...QUERY.keys()].join(', ')}`,
      );
    }
    if (Object.hasOwn(options, name)) throw badArguments(`The connection string has the option ${name} twice`);
    options[name] = parseValue(name, kind, value);
  }
  return options;
}

function parseValue(name: string, kind: Kind, value: string): number | boolean {
  if (kind === 'number' && /^\d{1,15}$/.test(value)) return Number(value);
  if (kind === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  const expected = kind === 'number' ? 'a whole number' : 'true or false';
  throw badArguments(`The connection string gives ${name} as ${show(value)}`, `Give ${expected}`);
}
