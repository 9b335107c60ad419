import { requireEndpoint, type EndpointAddress } from '../routing/endpoint-address.js';
import type { ClientOptions } from './client-options.js';
import { parseConnectionString } from './connection-string.js';
import { requirePath } from './path.js';
import { badArguments, flag, onlyKnown, wholeNumber } from './validate.js';

/** Endpoints that a client is given, at most. */
const ENDPOINTS_MAX = 64;
/** The longest deadline, in milliseconds: an hour. */
const TIMEOUT_MS_MAX = 3_600_000;
/** Replies that the cluster keeps for one client, at most; beyond it refuses the client's writes. */
const REPLIES_KEPT_MAX = 4_096;

/** {@link ClientOptions}, validated, with the defaults. */
export interface ResolvedOptions {
  readonly endpoints: readonly EndpointAddress[];
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly server: number | undefined;
  readonly discover: boolean;
  readonly monotonicReads: boolean;
  readonly writesInFlightMax: number;
  readonly writesQueuedMax: number;
  /** From the lowest write that is not answered yet to the last one sent, at most. */
  readonly writeSpanMax: number;
  readonly readsInFlightMax: number;
  readonly readsQueuedMax: number;
  readonly messageBytesMax: number;
  readonly stream: boolean;
  /** Without a slash at its end; `''` for none. */
  readonly chroot: string;
}

/** The names of all options. */
const NAMES = [
  'endpoints',
  'timeoutMs',
  'attemptTimeoutMs',
  'server',
  'discover',
  'monotonicReads',
  'writesInFlightMax',
  'writesQueuedMax',
  'readsInFlightMax',
  'readsQueuedMax',
  'messageBytesMax',
  'stream',
  'chroot',
] as const satisfies readonly (keyof ClientOptions)[];

/**
 * Validates what {@link createClient} is given.
 *
 * @param discover - Its default, which is not the same in Node.js and in browsers.
 * @throws {@link BadArgumentsError}
 */
export function resolveOptions(input: unknown, defaults: { readonly discover: boolean }): ResolvedOptions {
  const given = typeof input === 'string' ? parseConnectionString(input) : input;
  if (typeof given !== 'object' || given === null) {
    throw badArguments('createClient needs a connection string or options', "Such as 'zkl://127.0.0.1:7001'");
  }
  onlyKnown('createClient', given, NAMES);
  const options = given as Partial<Record<(typeof NAMES)[number], unknown>>;
  const server = options.server === undefined ? undefined : requireServerId('server', options.server);
  const discover = flag('discover', options.discover, defaults.discover);
  if (server !== undefined && !discover) {
    throw badArguments('server needs discover', 'Without discovery the client does not know which server is which');
  }
  const writesInFlightMax = wholeNumber('writesInFlightMax', options.writesInFlightMax, 1, REPLIES_KEPT_MAX / 2, 1_024);
  return {
    endpoints: resolveEndpoints(options.endpoints),
    timeoutMs: requireTimeout('timeoutMs', options.timeoutMs, 10_000),
    attemptTimeoutMs: wholeNumber('attemptTimeoutMs', options.attemptTimeoutMs, 10, TIMEOUT_MS_MAX, 2_000),
    server,
    discover,
    monotonicReads: flag('monotonicReads', options.monotonicReads, true),
    writesInFlightMax,
    writesQueuedMax: wholeNumber('writesQueuedMax', options.writesQueuedMax, 0, 1_048_576, 16_384),
    // As many more as are in flight may be let in before their numbers are counted.
    writeSpanMax: REPLIES_KEPT_MAX - writesInFlightMax,
    readsInFlightMax: wholeNumber('readsInFlightMax', options.readsInFlightMax, 1, 4_096, 1_024),
    readsQueuedMax: wholeNumber('readsQueuedMax', options.readsQueuedMax, 0, 1_048_576, 16_384),
    messageBytesMax: wholeNumber('messageBytesMax', options.messageBytesMax, 65_536, 268_435_456, 16_777_216),
    stream: flag('stream', options.stream, true),
    chroot: resolveChroot(options.chroot),
  };
}

/** @throws {@link BadArgumentsError} */
function resolveChroot(chroot: unknown): string {
  if (chroot === undefined) return '';
  const path = requirePath(chroot);
  return path === '/' ? '' : path;
}

/** A deadline in milliseconds. @throws {@link BadArgumentsError} */
export function requireTimeout(name: string, value: unknown, fallback: number): number {
  return wholeNumber(name, value, 1, TIMEOUT_MS_MAX, fallback);
}

/** The id of a server. @throws {@link BadArgumentsError} */
export function requireServerId(name: string, value: unknown): number {
  return wholeNumber(name, value, 1, 0xffff_ffff, 0);
}

function resolveEndpoints(endpoints: unknown): readonly EndpointAddress[] {
  if (!Array.isArray(endpoints) || endpoints.length === 0 || endpoints.length > ENDPOINTS_MAX) {
    throw badArguments('endpoints is no list of endpoints', `Give 1 to ${ENDPOINTS_MAX}, such as '127.0.0.1:7001'`);
  }
  const parsed = endpoints.map((endpoint) => requireEndpoint(endpoint));
  const distinct = new Map(parsed.map((endpoint) => [endpoint.url, endpoint]));
  return [...distinct.values()];
}
