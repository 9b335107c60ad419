import type { ServerId } from '@zkl/consensus';
import type { z } from 'zod';
import { optionsSchema, type ParsedOptions, type ServerOptionsInput } from './define-options.js';
import { describeOptions } from './describe-options.js';
import { formatAddress, isLoopback, type Members } from './members.js';
import { OptionError, type OptionProblem } from './option-error.js';

/** Options that fit together: what a server runs with. */
export interface ServerOptions extends Omit<ParsedOptions, 'members' | 'host' | 'port' | 'peerSecret'> {
  readonly members: Members;
  readonly host: string;
  readonly port: number;
  readonly peerSecret: string | undefined;
}

/** Where an option's value came from, by its key. */
export type OptionOrigins = ReadonlyMap<string, string>;

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 7001;

/** Checks options, fills in the defaults, and settles what depends on one another. Throws OptionError. */
export function resolveOptions(input: ServerOptionsInput, origins: OptionOrigins = new Map()): ServerOptions {
  const result = optionsSchema.safeParse(input);
  if (!result.success) throw new OptionError(result.error.issues.flatMap((issue) => problemsOf(issue, input, origins)));
  const options = settle(result.data);
  const problems = contradictions(options, origins);
  if (problems.length > 0) throw new OptionError(problems);
  return options;
}

function settle(parsed: ParsedOptions): ServerOptions {
  const own = parsed.members?.get(parsed.serverId);
  const host = parsed.host ?? own?.host ?? DEFAULT_HOST;
  const port = parsed.port ?? own?.port ?? DEFAULT_PORT;
  const members: Members = parsed.members ?? new Map([[parsed.serverId, { host, port }]]);
  return { ...parsed, members, host, port, peerSecret: parsed.peerSecret };
}

function problemsOf(issue: z.core.$ZodIssue, input: unknown, origins: OptionOrigins): OptionProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => unknownKey([...path, name].join('.'), origins));
  }
  const description = describeOptions().find(({ key }) => `${path.join('.')}.`.startsWith(`${key}.`));
  const key = description?.key ?? path.join('.');
  const value = valueAt(input, key.split('.'));
  const expected = issue.code === 'custom' ? issue.message : 'not allowed';
  const shown = description?.secret === true ? '(secret)' : showValue(value);
  return [{ key, value: shown, problem: expected, allowed: description?.allowed, origin: origins.get(key) }];
}

function unknownKey(key: string, origins: OptionOrigins): OptionProblem {
  return {
    key,
    value: undefined,
    problem: 'there is no such option',
    allowed: undefined,
    origin: origins.get(key),
  };
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    input,
  );
}

function showValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const plain: unknown = value instanceof Map ? Object.fromEntries(value) : value;
  const shown = typeof plain === 'number' ? String(plain) : (JSON.stringify(plain) ?? typeof plain);
  return shown.length > 200 ? `${shown.slice(0, 200)}...` : shown;
}

type Rule = (options: ServerOptions) => { readonly key: string; readonly problem: string } | undefined;

/** What one option demands of another. */
const RULES: readonly Rule[] = [
  ({ members, serverId }) =>
    members.has(serverId)
      ? undefined
      : {
          key: 'serverId',
          problem: `server ${serverId} is not in members, which names ${[...members.keys()].join(', ')}`,
        },
  ({ members, port }) =>
    members.size > 1 && (port === 0 || [...members.values()].some((member) => member.port === 0))
      ? {
          key: 'port',
          problem: 'the port 0 (any free one) is for a cluster of one: the others could not find this server',
        }
      : undefined,
  (options) =>
    options.peerSecret === undefined && !options.insecurePeers && reachableFromElsewhere(options)
      ? {
          key: 'peerSecret',
          problem: `members off loopback (${offLoopback(options).join(', ')}) need one, the same on every server; or set insecurePeers: true`,
        }
      : undefined,
  ({ timing }) =>
    timing.electionTimeoutMs < 2 * timing.heartbeatMs
      ? {
          key: 'timing.electionTimeoutMs',
          problem: `it must be at least twice timing.heartbeatMs (${timing.heartbeatMs})`,
        }
      : undefined,
  ({ timing }) =>
    timing.heartbeatMs < timing.tickMs
      ? { key: 'timing.heartbeatMs', problem: `it must be at least timing.tickMs (${timing.tickMs})` }
      : undefined,
  ({ timing }) =>
    timing.maxSessionTimeoutMs < timing.minSessionTimeoutMs
      ? {
          key: 'timing.maxSessionTimeoutMs',
          problem: `it must be at least timing.minSessionTimeoutMs (${timing.minSessionTimeoutMs})`,
        }
      : undefined,
  ({ limits }) =>
    limits.historyBytesMax < limits.valueBytesMax * 2 + 4 * 1024
      ? {
          key: 'limits.historyBytesMax',
          problem: `it must hold a change of the largest value: twice limits.valueBytesMax (${limits.valueBytesMax}) and 4,096 bytes more`,
        }
      : undefined,
  ({ limits }) =>
    limits.pendingBytesMax < 2 * limits.valueBytesMax
      ? {
          key: 'limits.pendingBytesMax',
          problem: `it must be at least twice limits.valueBytesMax (${limits.valueBytesMax})`,
        }
      : undefined,
  ({ limits }) =>
    limits.requestBytesInFlightMax < 2 * limits.valueBytesMax
      ? {
          key: 'limits.requestBytesInFlightMax',
          problem: `it must be at least twice limits.valueBytesMax (${limits.valueBytesMax})`,
        }
      : undefined,
];

function contradictions(options: ServerOptions, origins: OptionOrigins): OptionProblem[] {
  return RULES.flatMap((rule) => {
    const broken = rule(options);
    if (broken === undefined) return [];
    const value = broken.key === 'peerSecret' ? undefined : showValue(valueAt(options, broken.key.split('.')));
    return [{ ...broken, value, allowed: undefined, origin: origins.get(broken.key) }];
  });
}

/** A cluster of one has no peers: its peer door opens to nobody, wherever it listens. */
function reachableFromElsewhere(options: ServerOptions): boolean {
  return options.members.size > 1 && offLoopback(options).length > 0;
}

function offLoopback({ members, host, port }: ServerOptions): string[] {
  const addresses = [...members.values(), { host, port }];
  return [...new Set(addresses.filter((address) => !isLoopback(address.host)).map(formatAddress))];
}

/** Options as plain data, for people to look at: members as text, the secret masked. */
export function printableOptions(options: ServerOptions): Readonly<Record<string, unknown>> {
  const members = Object.fromEntries(
    [...options.members].map(([id, address]: [ServerId, { host: string; port: number }]) => [
      id,
      formatAddress(address),
    ]),
  );
  return { ...options, members, peerSecret: options.peerSecret === undefined ? undefined : '(secret)' };
}
