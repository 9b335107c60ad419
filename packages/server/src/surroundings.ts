import type { Socket } from 'node:net';
import { systemClock, type Clock, type LogStore, type StateMachine } from '@zkl/consensus';
import { openDataFolder } from '@zkl/log-store';
import type { Result, ZnodeStateMachine } from '@zkl/state-machine';
import type { CallDoor } from './lane/call-door.js';
import type { Logger } from './observability/logger.js';
import type { MemberAddress, Members } from './options/members.js';
import type { ServerOptions } from './options/resolve-options.js';
import type { PeerAddress } from './peer/dial.js';
import type { VersionRange } from './peer/handshake-codec.js';
import type { OnePortOptions } from './port/one-port.js';

/** What a server has around it: its clock, its disk and its network. The machine's own, but for tests that take the place of these. */
export interface Surroundings {
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Where the log is kept. Default: the data folder. */
  readonly openStore?: (() => Promise<LogStore>) | undefined;
  /** Takes the place of the port. Default: TCP. */
  readonly listen?: OnePortOptions['listen'];
  /** Connects to another server. The socket emits `connect` or `error`. Default: TCP. */
  readonly connect?: ((address: MemberAddress) => Socket) | undefined;
  /** The versions of the peer protocol that it speaks: another release's. Default: this one's. */
  readonly peerVersions?: VersionRange | undefined;
  /** Is given the door for calls that come as whole messages, once the server serves: what HTTP/2 stands before elsewhere. */
  readonly onOpen?: ((door: CallDoor) => void) | undefined;
  /** Stands between the node and its state machine: what is applied is seen here. `state` is what `machine` drives. */
  readonly aroundState?:
    ((machine: StateMachine<Result>, state: ZnodeStateMachine) => StateMachine<Result>) | undefined;
  /** The settled options, as they are to be: beyond their bounds, so that little data reaches what much data does elsewhere. */
  readonly settle?: ((options: ServerOptions) => ServerOptions) | undefined;
}

/** The clock of a server. */
export function clockOf({ clock }: Surroundings): Clock {
  return clock ?? systemClock;
}

/** The log of a server, locked and not yet recovered. Rejects when the folder cannot be had. */
export function openStoreOf({ openStore }: Surroundings, options: ServerOptions, logger: Logger): Promise<LogStore> {
  if (openStore !== undefined) return openStore();
  return openDataFolder(options.dataFolder, {
    serverId: options.serverId,
    clusterId: options.clusterId,
    segmentBytes: options.limits.logSegmentBytes,
    logRetainedBytes: options.limits.logRetainedBytes,
    onNotice: (notice) => logger.warn({ event: 'log_recovered', notice }, notice),
  });
}

/** The members, and how they are reached. */
export function addressesOf({ connect }: Surroundings, members: Members): ReadonlyMap<number, PeerAddress> {
  if (connect === undefined) return members;
  return new Map([...members].map(([id, address]) => [id, { ...address, connect: () => connect(address) }]));
}
