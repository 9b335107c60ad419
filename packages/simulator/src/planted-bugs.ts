import { NO_FAULTS, type FaultWeights, type Settings } from './swarm.js';

/** A rule that is switched off, in the core or in the virtual disk and driver, to prove that breaking it is noticed. */
export interface PlantedBug {
  /** Names of switches; several where one rule backs up another. */
  readonly switches: readonly string[];
  /** What it is known as: an issue of ZooKeeper, or of its TLA+ specification; empty for rules of our own. */
  readonly knownAs: string;
  /** Within how many seeds, counted from `from`, it must be noticed. */
  readonly within: number;
  /** Where to begin: near a seed that is known to notice it. */
  readonly from: number;
}

/** A bug of the core, or of its disk and driver. */
export interface PlantedCoreBug extends PlantedBug {
  /** Settings that lead to where the bug is, for one that a run of any kind rarely meets. */
  readonly override: Partial<Settings>;
}

const bug = (
  switches: string,
  from: number,
  within: number,
  knownAs = '',
  override: Partial<Settings> = {},
): PlantedCoreBug => ({ switches: switches.split('+'), knownAs, from, within, override });

function only(weights: Partial<FaultWeights>): FaultWeights {
  return { ...NO_FAULTS, ...weights };
}

/** Leaders that lose their disk, stand still and are cut off, one after the other. */
const LOST_DISKS: Partial<Settings> = {
  servers: 3,
  faults: only({ wipe: 4, isolate: 2, pause: 2 }),
  faultEvery: 600,
  faultLasts: 500,
  aimAtLeader: 0.9,
  proposeEvery: 60,
  network: {
    latencyMin: 1,
    latencySpread: 20,
    noticeMax: 10,
    reconnectMax: 20,
    dropRate: 0,
    duplicateRate: 0,
    reorderRate: 0,
  },
};

/** Attempts that end and begin anew while half of all messages come twice, or late. */
const LATE_COPIES: Partial<Settings> = {
  servers: 3,
  faults: only({ isolate: 2, breakLink: 3, pause: 2, crash: 1 }),
  faultEvery: 600,
  aimAtLeader: 0.9,
  proposeEvery: 20,
  network: {
    latencyMin: 1,
    latencySpread: 300,
    noticeMax: 10,
    reconnectMax: 20,
    dropRate: 0,
    duplicateRate: 0.5,
    reorderRate: 0.5,
  },
};

/** Disks that lag behind, and servers that crash meanwhile, one of them mostly the leader. */
const SLOW_PROMISES: Partial<Settings> = {
  servers: 5,
  disk: { flushMin: 100, flushSpread: 300, stallRate: 0.1, stallFactor: 5 },
  faults: only({ crash: 3, isolate: 3, breakLink: 2 }),
  faultEvery: 400,
  faultLasts: 300,
  aimAtLeader: 0.5,
  proposeEvery: 60,
  network: {
    latencyMin: 1,
    latencySpread: 100,
    noticeMax: 10,
    reconnectMax: 20,
    dropRate: 0,
    duplicateRate: 0,
    reorderRate: 0,
  },
};

/** Connections that break, and servers that crash, where every second message comes once more, much later; and nothing is overtaken. */
const SECOND_COPIES: Partial<Settings> = {
  servers: 3,
  faults: only({ breakLink: 3, crash: 2 }),
  faultEvery: 400,
  faultLasts: 300,
  aimAtLeader: 0.5,
  proposeEvery: 20,
  network: {
    latencyMin: 1,
    latencySpread: 20,
    noticeMax: 10,
    reconnectMax: 20,
    dropRate: 0,
    duplicateRate: 0.5,
    reorderRate: 0,
  },
};

/** Every row of the table of mistakes that applies to core, log and driver, and the rules of our own. docs/testing.md tells what each switch does. */
export const PLANTED_BUGS: readonly PlantedCoreBug[] = [
  bug('vote-with-committed', 1, 500, 'ZOOKEEPER-2845'),
  bug('ack-before-durable', 1, 200, 'ZOOKEEPER-3911'),
  bug('ack-new-leader-before-durable', 1, 200, 'ZOOKEEPER-4646, 4785'),
  bug('driver-releases-before-flush', 1, 200, 'ZOOKEEPER-3911'),
  bug('disk-hard-state-first', 200, 800, 'ZOOKEEPER-4643'),
  bug('ack-counts-as-new-leader-ack', 1, 300, 'ZOOKEEPER-4685'),
  bug('skip-gap-check', 1, 300, 'ZOOKEEPER-4925'),
  bug('disk-installs-in-place', 1540, 1500, 'ZOOKEEPER-3104, 3642'),
  bug('disk-takes-log-for-committed', 1, 300, 'ZOOKEEPER-2355, 4837'),
  bug('driver-saves-undurable-state', 150, 800, 'ZOOKEEPER-2355'),
  bug('driver-applies-any-disk-block', 280, 800, 'ZOOKEEPER-4925'),
  bug('disk-loses-a-flush', 1, 200, 'ZOOKEEPER-4882'),
  bug('disk-damage-taken-for-torn-tail', 50, 400, 'ZOOKEEPER-4846'),
  bug('election-ignores-leaders', 1, 200, 'ZOOKEEPER-1419, 1732'),
  bug('broadcast-only-to-synced', 1, 300, 'TLA+ issue 1'),
  bug('sync-keeps-tail', 1, 300),
  bug('disk-truncates-nothing', 1, 300),
  bug('snapshot-progress-misread', 1, 300),
  bug('leader-counts-undurable', 1, 200),
  bug('commit-without-quorum', 1, 200),
  bug('serve-without-quorum', 1, 200),
  bug('read-without-quorum', 305, 800, 'etcd 3.5'),
  bug('promise-before-durable', 100, 100, '', SLOW_PROMISES),
  bug('empty-folder-votes', 140, 800),
  bug('elect-by-id+skip-history-check', 1, 200),
  bug('guest-counts-at-once', 1, 100, '', LOST_DISKS),
  bug('accept-stale-attempts', 1, 100, 'ZOOKEEPER-4712, 3240', SECOND_COPIES),
  bug('keep-releases+accept-stale-attempts', 2000, 150, 'ZOOKEEPER-4712, 3240', LATE_COPIES),
];
