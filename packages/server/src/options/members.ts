import { SERVER_ID_MAX, type ServerId } from '@zkl/consensus';

/** Where a server is reached by other servers and by clients. */
export interface MemberAddress {
  /** A name or an address; IPv6 without its brackets. */
  readonly host: string;
  /** 1 .. 65,535; 0 (any free port) only in a cluster of one. */
  readonly port: number;
}

/** The servers of a cluster by their ids. */
export type Members = ReadonlyMap<ServerId, MemberAddress>;

/** Servers in one cluster. ZAB needs a majority for each write: more servers than this only make it slower. */
export const MEMBERS_MAX = 31;

/**
 * Reads members from `1=host:port,2=host:port`, from an object or a Map of id to `host:port`, or from a list of `id=host:port`.
 * Throws an Error that says what is wrong: an id twice, an address twice, a malformed id or address, too many.
 */
export function parseMembers(value: unknown): Members {
  const members = new Map<ServerId, MemberAddress>();
  const owners = new Map<string, ServerId>();
  for (const [key, address] of entriesOf(value)) {
    const id = parseServerId(key);
    if (members.has(id)) throw new Error(`server ${id} is named twice`);
    const parsed = parseAddress(address);
    const name = formatAddress(parsed);
    const owner = owners.get(name);
    if (owner !== undefined) throw new Error(`servers ${owner} and ${id} have the same address ${name}`);
    members.set(id, parsed);
    owners.set(name, id);
  }
  if (members.size === 0) throw new Error('it names no server');
  if (members.size > MEMBERS_MAX) throw new Error(`it names ${members.size} servers, and ${MEMBERS_MAX} is the most`);
  return new Map([...members].sort(([a], [b]) => a - b));
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (typeof value === 'string') return value.split(',').map(splitEntry);
  if (Array.isArray(value)) return value.map((entry) => splitEntry(typeof entry === 'string' ? entry : ''));
  if (value instanceof Map) return [...value];
  if (typeof value === 'object' && value !== null) return Object.entries(value);
  throw new Error('it is neither a text like 1=host:port,2=host:port nor a map of id to host:port');
}

function splitEntry(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 0) throw new Error(`"${text.trim()}" is not of the form id=host:port`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function parseServerId(value: unknown): ServerId {
  const text = String(value);
  const id = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (id < 1 || id > SERVER_ID_MAX) throw new Error(`"${text}" is no server id: a whole number, 1 .. ${SERVER_ID_MAX}`);
  return id;
}

/** Reads `host:port`, `[::1]:port`, or an object of host and port. Throws an Error that says what is wrong. */
export function parseAddress(value: unknown): MemberAddress {
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return parseAddress(formatAddress({ host: String(value.host), port: Number(value.port) }));
  }
  const match = typeof value === 'string' ? /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(value) : null;
  const port = Number(match?.[3] ?? Number.NaN);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65_535)) {
    throw new Error(`"${String(value)}" is no address: host:port, the port 0 .. 65535, IPv6 in brackets`);
  }
  return { host, port };
}

/** `host:port`, with IPv6 in brackets. */
export function formatAddress(address: MemberAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** True for names and addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
