import { makeError } from '../errors/zkl-error.js';

/** The longest endpoint that is looked at. */
const ENDPOINT_CHARS_MAX = 512;

/** Where a server is found, in one form. */
export interface EndpointAddress {
  /** As shown to people: `host:port`, or the URL where it says more. */
  readonly address: string;
  /** `http://host:port` or `https://host:port`, with the path if there is one, without a slash at the end. */
  readonly url: string;
}

/**
 * Reads `host:port`, `[ipv6]:port`, or a URL of `http:` or `https:`.
 *
 * @param protocol - What is spoken to a `host:port`.
 * @returns Undefined when it is malformed.
 */
export function parseEndpoint(text: string, protocol: 'http:' | 'https:' = 'http:'): EndpointAddress | undefined {
  if (text.length > ENDPOINT_CHARS_MAX || /\s/.test(text)) return undefined;
  const isUrl = /^https?:\/\//.test(text);
  if (!isUrl && !/^(?:\[[0-9a-fA-F:.]+\]|[^[\]:/?#@]+):\d{1,5}$/.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(isUrl ? text : `${protocol}//${text}`);
  } catch {
    return undefined;
  }
  if (url.hostname === '' || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return undefined;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (port === '0') return undefined;
  const hostPort = `${url.hostname}:${port}`;
  const path = url.pathname.replace(/\/+$/, '');
  const whole = `${url.protocol}//${hostPort}${path}`;
  return { address: url.protocol === 'http:' && path === '' ? hostPort : whole, url: whole };
}

/** Reads an endpoint that a caller gave. @throws {@link BadArgumentsError} when it is malformed. */
export function requireEndpoint(text: unknown, protocol?: 'http:' | 'https:'): EndpointAddress {
  const parsed = typeof text === 'string' ? parseEndpoint(text, protocol) : undefined;
  if (parsed !== undefined) return parsed;
  throw makeError({
    code: 'BAD_ARGUMENTS',
    message: `${JSON.stringify(text)} is not an endpoint`,
    outcome: 'rejected',
    hint: 'Write host:port, [ipv6]:port, http://host:port or https://host:port',
  });
}
