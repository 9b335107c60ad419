import { UNITS_PER_TICK } from '../event-queue.js';
import { TICK_MS, type DiskTimes } from '../node-level/node-settings.js';
import { Random } from '../random.js';
import type { WorldNetworkSettings } from './world-network.js';

/** Kinds of faults at the level of the world, with the weight that each has when one is drawn. */
export interface WorldFaultWeights {
  // Of servers, as at the level of nodes.
  readonly kill: number;
  readonly powerLoss: number;
  readonly powerLossAll: number;
  readonly powerLossSoon: number;
  readonly stop: number;
  readonly pause: number;
  readonly clockJump: number;
  readonly slowDisk: number;
  readonly writeError: number;
  readonly diskFull: number;
  readonly wipe: number;
  // Of the network between servers.
  readonly breakLink: number;
  readonly partition: number;
  readonly isolate: number;
  readonly oneWay: number;
  // Of clients, and between them and servers.
  readonly clientDies: number;
  readonly clientPauses: number;
  /** Long enough for its sessions to expire. */
  readonly clientSleeps: number;
  readonly clientBreaks: number;
  readonly clientCutOff: number;
  /** One way only: requests or replies. */
  readonly clientOneWay: number;
  /** An operator ends a session. */
  readonly expire: number;
}

/** Everything about a run but its chance. Times are in units unless the name says otherwise. */
export interface WorldSettings {
  readonly seed: number;
  readonly servers: number;
  readonly clients: number;
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  /** The clocks' rates differ by up to this share: less than what sessions are promised to bear. */
  readonly skew: number;
  /** How late timers and turns come, up to. */
  readonly lateMax: number;
  readonly network: WorldNetworkSettings;
  readonly disk: DiskTimes;
  readonly faults: WorldFaultWeights;
  readonly faultEvery: number;
  readonly faultLasts: number;
  readonly aimAtLeader: number;
  readonly sessionTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly attemptTimeoutMs: number;
  /** A client does nothing for up to this long between two calls of one of its hands, in ms. */
  readonly thinkMs: number;
  /** Calls that one client has under way at a time: hands. */
  readonly hands: number;
  readonly watches: number;
  readonly keys: number;
  /** Whether clients contend for a lock, and for a leadership; and whether they keep a mirror. */
  readonly locks: boolean;
  readonly elections: boolean;
  readonly mirrors: boolean;
  /** How many clients talk to one server only, whatever it is. */
  readonly pinnedShare: number;
  /** Calls are requests of their own, on no stream. */
  readonly unaryShare: number;
  /** Changes that a server keeps for watches that were cut off. */
  readonly historyChanges: number;
  readonly streamBytesMax: number;
  readonly requestsInFlightMax: number;
  readonly segmentBytes: number;
  readonly cacheBytes: number;
  readonly logRetainedBytes: number;
  readonly snapshotEveryBytes: number;
  readonly blockBytesMax: number;
  readonly safetyMs: number;
  /** Servers that start again come up as the next release, as long as no two are more than one release apart. */
  readonly upgrades: boolean;
  readonly plantedBugs: ReadonlySet<string>;
}

export interface DrawWorldOptions {
  readonly plantedBugs?: ReadonlySet<string> | undefined;
  readonly servers?: number | undefined;
  /** Replaces what was drawn. */
  readonly override?: Partial<WorldSettings> | undefined;
}

const SIZES = [1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 7];

/** Draws the settings of a seed. */
export function drawWorldSettings(seed: number, options: DrawWorldOptions = {}): WorldSettings {
  const random = new Random(seed, 21);
  const servers = random.pick(SIZES);
  const electionTimeoutMs = random.pick([200, 300, 500]);
  return {
    seed,
    servers: options.servers ?? servers,
    clients: random.between(1, 4),
    heartbeatMs: random.between(25, Math.floor(electionTimeoutMs / 4)),
    electionTimeoutMs,
    skew: random.pick([0, 0.01, 0.02]),
    lateMax: random.pick([1, 1, 4, 20]),
    network: {
      latencyMin: random.pick([1, 1, 4, 20]),
      latencySpread: random.pick([1, 8, 40]),
      noticeMax: random.pick([10, 200, 2_000]),
      splitRate: random.pick([0, 0, 0.1]),
    },
    disk: {
      readUnits: random.pick([1, 1, 10]),
      writeUnits: random.pick([1, 4, 20]),
      spreadUnits: random.pick([1, 10, 40]),
      stallRate: random.pick([0, 0, 0.02]),
    },
    faults: drawFaults(random),
    faultEvery: random.chance(0.05) ? 0 : UNITS_PER_TICK * random.pick([8, 20, 40]),
    faultLasts: UNITS_PER_TICK * random.pick([4, 16, 40]),
    aimAtLeader: random.pick([0, 0.3, 0.8]),
    sessionTimeoutMs: random.pick([500, 800, 2_000]),
    callTimeoutMs: random.pick([1_000, 3_000, 10_000]),
    attemptTimeoutMs: random.pick([100, 500, 2_000]),
    thinkMs: random.pick([5, 30, 100]),
    hands: random.pick([1, 2, 4]),
    watches: random.between(0, 3),
    keys: random.between(1, 4),
    locks: random.chance(0.5),
    elections: random.chance(0.2),
    mirrors: random.chance(0.4),
    pinnedShare: random.pick([0, 0, 0.4]),
    unaryShare: random.pick([0, 0, 0.3]),
    historyChanges: random.pick([20, 100, 5_000]),
    streamBytesMax: random.pick([300, 4_000, 262_144]),
    requestsInFlightMax: random.pick([4, 8_192, 8_192]),
    segmentBytes: random.pick([4_096, 8_192, 65_536]),
    cacheBytes: random.pick([0, 2_000, 1 << 20]),
    logRetainedBytes: random.pick([0, 2_000, 1 << 20]),
    snapshotEveryBytes: random.pick([2_000, 8_000, 1 << 20]),
    blockBytesMax: random.pick([200, 4_096, 1 << 16]),
    safetyMs: random.pick([2_000, 4_000, 8_000]),
    upgrades: random.chance(0.3),
    plantedBugs: options.plantedBugs ?? new Set(),
    ...options.override,
  };
}

export const WORLD_WEIGHTS_MAX: WorldFaultWeights = {
  kill: 3,
  powerLoss: 2,
  powerLossAll: 1,
  powerLossSoon: 2,
  stop: 2,
  pause: 3,
  clockJump: 1,
  slowDisk: 1,
  writeError: 1,
  diskFull: 1,
  wipe: 1,
  breakLink: 3,
  partition: 2,
  isolate: 3,
  oneWay: 2,
  clientDies: 2,
  clientPauses: 3,
  clientSleeps: 2,
  clientBreaks: 5,
  clientCutOff: 3,
  clientOneWay: 3,
  expire: 2,
};

/** Half of the runs are all about one to three kinds. */
function drawFaults(random: Random): WorldFaultWeights {
  const kinds = random.shuffled(Object.keys(WORLD_WEIGHTS_MAX) as (keyof WorldFaultWeights)[]);
  const chosen = new Set(kinds.slice(0, random.chance(0.5) ? random.between(1, 3) : random.between(4, kinds.length)));
  const weights = Object.entries(WORLD_WEIGHTS_MAX).map(([kind, max]) => {
    const weight = random.between(1, max as number);
    return [kind, chosen.has(kind as keyof WorldFaultWeights) ? weight : 0];
  });
  return Object.fromEntries(weights) as WorldFaultWeights;
}

/** Milliseconds of a nominal tick of the queue. */
export const WORLD_TICK_MS = TICK_MS;
