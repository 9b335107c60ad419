import type { ConsensusCore } from '@zkl/consensus';
import { UNITS_PER_TICK } from './event-queue.js';
import { Random } from './random.js';

type CoreOptions = ConstructorParameters<typeof ConsensusCore>[0];
type Ticks = CoreOptions['ticks'];

/** How the network behaves. Times are in units of virtual time. */
export interface NetworkSettings {
  readonly latencyMin: number;
  readonly latencySpread: number;
  /** How long until an end notices that its connection ended: up to this. */
  readonly noticeMax: number;
  readonly reconnectMax: number;
  /** Beyond what the transport may do; see `harsh` in docs/testing.md. */
  readonly dropRate: number;
  readonly duplicateRate: number;
  readonly reorderRate: number;
}

export interface DiskSettings {
  readonly flushMin: number;
  readonly flushSpread: number;
  /** A flush now and then takes this many times as long. */
  readonly stallRate: number;
  readonly stallFactor: number;
}

/** Kinds of faults, with the weight each has when one is drawn. */
export interface FaultWeights {
  readonly crash: number;
  readonly crashAll: number;
  readonly crashInTurn: number;
  readonly breakLink: number;
  readonly partition: number;
  readonly isolate: number;
  readonly oneWay: number;
  readonly pause: number;
  readonly wipe: number;
  readonly damage: number;
  readonly retire: number;
}

/** Everything about a run but its chance: drawn from the seed, so that each seed is another kind of trouble. */
export interface Settings {
  readonly seed: number;
  readonly servers: number;
  readonly ticks: Ticks;
  /** The clocks' rates differ by up to this many units a tick. */
  readonly skew: number;
  /** How long a server gathers inputs before it takes a turn: up to this. */
  readonly turnDelayMax: number;
  readonly applyDelayMax: number;
  readonly network: NetworkSettings;
  readonly disk: DiskSettings;
  readonly faults: FaultWeights;
  /** Mean units between two faults; 0 for none. */
  readonly faultEvery: number;
  /** Mean units that a fault lasts. */
  readonly faultLasts: number;
  /** Faults prefer the leader with this probability. */
  readonly aimAtLeader: number;
  readonly proposeEvery: number;
  readonly readEvery: number;
  /** Blocks between two snapshots; 0 for none. */
  readonly snapshotEvery: number;
  readonly snapshotKeep: number;
  readonly snapshotSteps: number;
  /** All transfers of snapshots are slow: each lasts this many times as long, at least, as a learner without progress waits. 0: none is, and each has up to `snapshotSteps`. */
  readonly snapshotSlowness: number;
  readonly windowBytes: number;
  readonly inflightBytes: number;
  readonly appendBytes: number;
  readonly safetyTicks: number;
  readonly plantedBugs: ReadonlySet<string>;
}

export interface DrawOptions {
  readonly plantedBugs?: ReadonlySet<string>;
  readonly servers?: number;
  /** Replaces what was drawn: settings that lead to where a planted bug is. */
  readonly override?: Partial<Settings> | undefined;
}

/** Runs in which all transfers of snapshots are slow. */
const SLOW_TRANSFERS_RATE = 0.08;

const SIZES = [1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 5, 6, 7, 9];

/** Draws the settings of a seed. */
export function drawSettings(seed: number, options: DrawOptions = {}): Settings {
  const random = new Random(seed, 1);
  const drawn = random.pick(SIZES);
  const election = random.pick([8, 10, 12, 20]);
  return {
    seed,
    servers: options.servers ?? drawn,
    ticks: {
      heartbeat: random.between(1, Math.floor(election / 4)),
      election,
      sync: election * random.pick([2, 3, 4]),
      settle: random.between(1, 3),
      resendMin: random.between(1, 3),
      resendMax: random.between(4, 16),
    },
    skew: random.pick([0, 2, 10, 30, 60]),
    turnDelayMax: random.pick([0, 0, 5, 30, 100]),
    applyDelayMax: random.pick([0, 0, 20, 400]),
    network: drawNetwork(random),
    disk: drawDisk(random),
    faults: drawFaults(random),
    faultEvery: random.chance(0.03) ? 0 : UNITS_PER_TICK * random.pick([2, 6, 10, 15, 25]),
    faultLasts: UNITS_PER_TICK * random.pick([1, 5, 10, 20, 40]),
    aimAtLeader: random.pick([0, 0.3, 0.9]),
    proposeEvery: random.pick([20, 60, 150, 400, 1000]),
    readEvery: random.pick([60, 150, 400, 1000]),
    snapshotEvery: random.pick([0, 2, 5, 20]),
    snapshotKeep: random.pick([0, 0, 2, 10]),
    snapshotSteps: random.between(1, 6),
    snapshotSlowness: drawSlowness(new Random(seed, 3)),
    windowBytes: random.pick([0, 200, 500, 2_000, 1 << 20]),
    inflightBytes: random.pick([1, 200, 500, 2_000, 1 << 20]),
    appendBytes: random.pick([1, 300, 1_000, 1 << 16]),
    safetyTicks: random.pick([60, 100, 150, 200, 300]),
    plantedBugs: options.plantedBugs ?? new Set(),
    ...options.override,
  };
}

/** The healed phase: nothing breaks, nothing is slow, so that only the protocol itself could keep the servers from agreeing. */
export const MILD_NETWORK: NetworkSettings = {
  latencyMin: 1,
  latencySpread: 20,
  noticeMax: 20,
  reconnectMax: 100,
  dropRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
};

export const MILD_DISK: DiskSettings = { flushMin: 1, flushSpread: 20, stallRate: 0, stallFactor: 1 };

function drawSlowness(random: Random): number {
  return random.chance(SLOW_TRANSFERS_RATE) ? random.pick([1.2, 2, 3]) : 0;
}

function drawNetwork(random: Random): NetworkSettings {
  const isHarsh = random.chance(0.2);
  return {
    latencyMin: random.pick([1, 1, 10, 50]),
    latencySpread: random.pick([1, 20, 100, 300]),
    noticeMax: random.pick([10, 100, 1_000, 4_000]),
    reconnectMax: random.pick([20, 200, 1_000]),
    dropRate: isHarsh ? random.pick([0, 0.02, 0.1, 0.25]) : 0,
    duplicateRate: isHarsh ? random.pick([0, 0.05, 0.3]) : 0,
    reorderRate: isHarsh ? random.pick([0, 0.05, 0.3]) : 0,
  };
}

function drawDisk(random: Random): DiskSettings {
  return {
    flushMin: random.pick([1, 1, 10, 100]),
    flushSpread: random.pick([1, 50, 300]),
    stallRate: random.pick([0, 0, 0.02, 0.1]),
    stallFactor: random.pick([5, 20]),
  };
}

export const CORE_WEIGHTS_MAX: FaultWeights = {
  crash: 4,
  crashAll: 1,
  crashInTurn: 4,
  breakLink: 4,
  partition: 3,
  isolate: 3,
  oneWay: 3,
  pause: 3,
  wipe: 4,
  damage: 3,
  retire: 1,
};

export const NO_FAULTS: FaultWeights = {
  crash: 0,
  crashAll: 0,
  crashInTurn: 0,
  breakLink: 0,
  partition: 0,
  isolate: 0,
  oneWay: 0,
  pause: 0,
  wipe: 0,
  damage: 0,
  retire: 0,
};

/** Half of the runs are all about one to three kinds: in a storm of all kinds, few of the longer stories ever come to their end. */
function drawFaults(random: Random): FaultWeights {
  const kinds = random.shuffled(Object.keys(CORE_WEIGHTS_MAX) as (keyof FaultWeights)[]);
  const count = random.chance(0.5) ? random.between(1, 3) : random.between(4, kinds.length);
  const drawn = kinds.slice(0, count).map((kind) => [kind, random.between(1, CORE_WEIGHTS_MAX[kind])]);
  return { ...NO_FAULTS, ...Object.fromEntries(drawn) } as FaultWeights;
}
