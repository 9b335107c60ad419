import { UNITS_PER_TICK } from '../event-queue.js';
import { Random } from '../random.js';
import type { NetworkSettings } from '../swarm.js';

/** Milliseconds of a nominal tick, and units of virtual time in a millisecond. */
export const TICK_MS = 25;
export const UNITS_PER_MS = UNITS_PER_TICK / TICK_MS;

/** Kinds of faults at the level of nodes, with the weight each has when one is drawn. */
export interface NodeFaultWeights {
  readonly kill: number;
  readonly powerLoss: number;
  readonly powerLossAll: number;
  /** A loss of power in the middle of a turn, of a write or of a start: at one of the next operations. */
  readonly powerLossSoon: number;
  readonly stop: number;
  readonly breakLink: number;
  readonly partition: number;
  readonly isolate: number;
  readonly oneWay: number;
  readonly pause: number;
  readonly clockJump: number;
  readonly slowDisk: number;
  readonly writeError: number;
  readonly readError: number;
  readonly diskFull: number;
  readonly wipe: number;
  readonly rot: number;
  readonly rotHardState: number;
  readonly misdirect: number;
  /** A read of log, snapshot or hard state comes from another place of the file. */
  readonly misread: number;
  /** Paths between servers are clogged one after the other, and come free one after the other, each in its own time (swizzle-clogging). */
  readonly swizzle: number;
  /** One server after the other is stopped in good order and started again. */
  readonly rollingRestart: number;
}

export interface DiskTimes {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly spreadUnits: number;
  readonly stallRate: number;
}

/** Everything about a run but its chance. Times are in units unless the name says otherwise. */
export interface NodeSettings {
  readonly seed: number;
  readonly servers: number;
  readonly clients: number;
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  readonly syncTimeoutMs: number;
  readonly settleMs: number;
  /** The clocks' rates differ by up to this share. */
  readonly skew: number;
  /** How long a turn of an event loop takes to come: up to this. */
  readonly turnDelayMax: number;
  readonly network: NetworkSettings;
  readonly disk: DiskTimes;
  readonly faults: NodeFaultWeights;
  readonly faultEvery: number;
  readonly faultLasts: number;
  readonly aimAtLeader: number;
  /** How many servers start late, in the share of the time before the faults end. */
  readonly lateServers: number;
  readonly thinkTime: number;
  readonly keys: number;
  readonly readShare: number;
  readonly callTimeout: number;
  readonly segmentBytes: number;
  readonly cacheBytes: number;
  readonly snapshotsKept: number;
  readonly logRetainedBytes: number;
  readonly snapshotEveryBytes: number;
  readonly windowBytes: number;
  readonly inflightBytes: number;
  readonly blockBytesMax: number;
  readonly valueBytes: number;
  readonly safetyTicks: number;
  readonly plantedBugs: ReadonlySet<string>;
}

export interface DrawNodeOptions {
  readonly plantedBugs?: ReadonlySet<string> | undefined;
  readonly servers?: number | undefined;
  /** Replaces what was drawn: how the minimiser makes a failing seed's settings milder. */
  readonly override?: Partial<NodeSettings> | undefined;
}

const SIZES = [1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7, 9];

/** Draws the settings of a seed. */
export function drawNodeSettings(seed: number, options: DrawNodeOptions = {}): NodeSettings {
  const random = new Random(seed, 11);
  const more = new Random(seed, 13);
  const servers = more.chance(0.04) ? more.pick([6, 8]) : random.pick(SIZES);
  const electionTimeoutMs = TICK_MS * random.pick([8, 12, 20]);
  return {
    seed,
    servers: options.servers ?? servers,
    clients: random.between(1, 4),
    heartbeatMs: TICK_MS * random.between(1, Math.floor(electionTimeoutMs / TICK_MS / 4)),
    electionTimeoutMs,
    syncTimeoutMs: electionTimeoutMs * random.pick([2, 4]),
    settleMs: TICK_MS * random.between(1, 2),
    skew: random.pick([0, 0.05, 0.3]),
    turnDelayMax: random.pick([1, 1, 8, 60]),
    network: { ...drawNetwork(random), ...drawHarshness(more) },
    disk: drawDisk(random),
    faults: { ...drawNodeFaults(random), ...drawMoreFaults(more) },
    faultEvery: random.chance(0.03) ? 0 : UNITS_PER_TICK * random.pick([4, 10, 20, 30]),
    faultLasts: UNITS_PER_TICK * random.pick([2, 8, 20, 40]),
    aimAtLeader: random.pick([0, 0.3, 0.8]),
    lateServers: random.pick([0, 0, 0, 1, 2]),
    thinkTime: random.pick([10, 60, 300, 1_000]),
    keys: random.between(1, 4),
    readShare: random.pick([0.2, 0.5]),
    callTimeout: UNITS_PER_TICK * random.pick([10, 40]),
    segmentBytes: random.pick([4_096, 4_096, 8_192, 16_384]),
    cacheBytes: random.pick([0, 0, 2_000, 1 << 20]),
    snapshotsKept: random.between(1, 2),
    logRetainedBytes: random.pick([0, 0, 2_000, 1 << 20]),
    snapshotEveryBytes: random.pick([500, 1_500, 5_000, 1 << 20]),
    windowBytes: random.pick([0, 400, 2_000, 1 << 20]),
    inflightBytes: random.pick([300, 2_000, 1 << 20]),
    blockBytesMax: random.pick([100, 1_000, 1 << 16]),
    valueBytes: random.pick([8, 8, 100, 600]),
    safetyTicks: random.pick([100, 200, 300]),
    plantedBugs: options.plantedBugs ?? new Set(),
    ...options.override,
  };
}

function drawNetwork(random: Random): NetworkSettings {
  return {
    latencyMin: random.pick([1, 1, 10, 40]),
    latencySpread: random.pick([1, 20, 100]),
    noticeMax: random.pick([10, 100, 1_000, 3_000]),
    reconnectMax: random.pick([20, 200, 1_000]),
    dropRate: 0,
    duplicateRate: 0,
    reorderRate: 0,
  };
}

function drawDisk(random: Random): DiskTimes {
  return {
    readUnits: random.pick([1, 1, 10]),
    writeUnits: random.pick([1, 4, 40]),
    spreadUnits: random.pick([1, 20, 100]),
    stallRate: random.pick([0, 0, 0.02]),
  };
}

/**
 * Beyond what the transport's contract allows: the core must be safe all the same. (Drawn from numbers of their own, as are the kinds of faults that came later: so that older seeds
 * that have none of these are what they were.)
 */
function drawHarshness(random: Random): Partial<NetworkSettings> {
  if (!random.chance(0.1)) return {};
  return {
    dropRate: random.pick([0, 0.02, 0.1]),
    duplicateRate: random.pick([0, 0.05, 0.3]),
    reorderRate: random.pick([0, 0.05, 0.3]),
  };
}

type LaterFault = 'misread' | 'swizzle' | 'rollingRestart';

const LATER_WEIGHTS_MAX: Pick<NodeFaultWeights, LaterFault> = { misread: 3, swizzle: 3, rollingRestart: 2 };

function drawMoreFaults(random: Random): Pick<NodeFaultWeights, LaterFault> {
  const weight = (kind: LaterFault): number => (random.chance(0.25) ? random.between(1, LATER_WEIGHTS_MAX[kind]) : 0);
  return { misread: weight('misread'), swizzle: weight('swizzle'), rollingRestart: weight('rollingRestart') };
}

const FIRST_WEIGHTS_MAX: Omit<NodeFaultWeights, LaterFault> = {
  kill: 3,
  powerLoss: 3,
  powerLossAll: 2,
  powerLossSoon: 4,
  stop: 1,
  breakLink: 2,
  partition: 2,
  isolate: 3,
  oneWay: 2,
  pause: 3,
  clockJump: 1,
  slowDisk: 2,
  writeError: 2,
  readError: 2,
  diskFull: 2,
  wipe: 2,
  rot: 4,
  rotHardState: 2,
  misdirect: 2,
};

export const WEIGHTS_MAX: NodeFaultWeights = { ...FIRST_WEIGHTS_MAX, ...LATER_WEIGHTS_MAX };

/** Half of the runs are all about one to three kinds, as in the simulation of the core. */
function drawNodeFaults(random: Random): Omit<NodeFaultWeights, LaterFault> {
  const kinds = random.shuffled(Object.keys(FIRST_WEIGHTS_MAX) as (keyof NodeFaultWeights)[]);
  const count = random.chance(0.5) ? random.between(1, 3) : random.between(4, kinds.length);
  const chosen = new Set(kinds.slice(0, count));
  const weights = Object.entries(FIRST_WEIGHTS_MAX).map(([kind, max]) => {
    const weight = random.between(1, max);
    return [kind, chosen.has(kind as keyof NodeFaultWeights) ? weight : 0];
  });
  return Object.fromEntries(weights) as NodeFaultWeights;
}
