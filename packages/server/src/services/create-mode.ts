import { CreateMode as ProtoCreateMode, type CreateOperation } from '@zkl/protocol';
import { isSequential, TTL_MS_MAX, type CreateCommand, type CreateMode } from '@zkl/wire';
import { rejected, type Failure } from '../request/failure.js';
import { pathFailure, valueFailure } from './request-checks.js';

const MODES: Readonly<Record<ProtoCreateMode, CreateMode>> = {
  [ProtoCreateMode.UNSPECIFIED]: 'persistent',
  [ProtoCreateMode.PERSISTENT]: 'persistent',
  [ProtoCreateMode.EPHEMERAL]: 'ephemeral',
  [ProtoCreateMode.PERSISTENT_SEQUENTIAL]: 'persistentSequential',
  [ProtoCreateMode.EPHEMERAL_SEQUENTIAL]: 'ephemeralSequential',
  [ProtoCreateMode.CONTAINER]: 'container',
  [ProtoCreateMode.TTL]: 'ttl',
  [ProtoCreateMode.TTL_SEQUENTIAL]: 'ttlSequential',
};

/** What a create looks like, on its own and in a transaction. */
type CreateFields = Pick<CreateOperation, 'path' | 'data' | 'mode' | 'ttlMs' | 'ifAbsent'>;

/**
 * A create as a command, or the first thing that is wrong with it: mode and TTL before path, as in ZooKeeper. That an ephemeral names a session is part of it;
 * that the session lives is the log's to say.
 */
export function readCreate(
  { path, data, mode: protoMode, ttlMs, ifAbsent }: CreateFields,
  valueBytesMax: number,
  hasSession: boolean,
): CreateCommand | Failure {
  // A number that is no mode reaches this from proto3.
  const mode = (MODES as Readonly<Record<number, CreateMode | undefined>>)[protoMode];
  if (mode === undefined) return rejected('BAD_ARGUMENTS', { message: 'There is no such mode.' });
  const failure =
    modeFailure(mode, ttlMs, ifAbsent, hasSession) ??
    pathFailure(path, isSequential(mode)) ??
    valueFailure(data, valueBytesMax, path);
  if (failure !== undefined) return failure;
  const command = { kind: 'create', path, data: data ?? null, mode, ifAbsent } as const;
  return ttlMs === 0n ? command : { ...command, ttlMs: Number(ttlMs) };
}

function modeFailure(mode: CreateMode, ttlMs: bigint, ifAbsent: boolean, hasSession: boolean): Failure | undefined {
  const refuse = (message: string): Failure => rejected('BAD_ARGUMENTS', { message });
  const hasTtl = mode === 'ttl' || mode === 'ttlSequential';
  if (hasTtl && (ttlMs < 1n || ttlMs > BigInt(TTL_MS_MAX))) return refuse('ttl_ms must be in 1 .. 2^40 - 1.');
  if (!hasTtl && ttlMs !== 0n) return refuse('ttl_ms is for the modes with a TTL.');
  if (ifAbsent && isSequential(mode)) return refuse('if_absent is not for sequential nodes: each is another.');
  if ((mode === 'ephemeral' || mode === 'ephemeralSequential') && !hasSession)
    return refuse('An ephemeral node needs a session.');
  return undefined;
}
