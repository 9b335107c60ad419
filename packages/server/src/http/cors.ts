import { cors } from '@connectrpc/connect';
import { isLoopback } from '../options/members.js';
import type { HttpRequest, HttpResponse } from './http-types.js';

const ALLOWED_METHODS = cors.allowedMethods.join(', ');
const ALLOWED_HEADERS = cors.allowedHeaders.join(', ');
const EXPOSED_HEADERS = cors.exposedHeaders.join(', ');

/** How long a browser may remember a preflight, in seconds: two hours, the most that any of them does. */
const PREFLIGHT_MAX_AGE_S = '7200';

/**
 * What a page in a browser may do. `pass`: go on, the headers are set; or it is no request from a page at all. `done`: answered, a preflight or a refusal.
 *
 * A page of an origin that is not allowed is refused outright, not only kept from reading the answer: otherwise any page that somebody opens
 * could write to a server on their own machine.
 */
export function handleCors(
  allowedOrigins: readonly string[],
  request: HttpRequest,
  response: HttpResponse,
): 'pass' | 'done' {
  const { origin } = request.headers;
  if (origin === undefined) return 'pass';
  if (!isAllowed(allowedOrigins, origin)) {
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        code: 'permission_denied',
        message: `pages of ${origin} may not call this server: see corsAllowedOrigins`,
      }),
    );
    return 'done';
  }
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'origin');
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
  if (request.method !== 'OPTIONS') return 'pass';
  response.writeHead(204, {
    'access-control-allow-methods': ALLOWED_METHODS,
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': PREFLIGHT_MAX_AGE_S,
  });
  response.end();
  return 'done';
}

function isAllowed(allowedOrigins: readonly string[], origin: string): boolean {
  return allowedOrigins.some(
    (allowed) => allowed === '*' || allowed === origin || (allowed === 'loopback' && isLoopbackOrigin(origin)),
  );
}

function isLoopbackOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  // Of other protocols the URL parser leaves the host as it was written.
  return (protocol === 'http:' || protocol === 'https:') && isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}
