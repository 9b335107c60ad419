import type { PlantedBug } from '../planted-bugs.js';
import { WEIGHTS_MAX, type NodeFaultWeights, type NodeSettings } from './node-settings.js';

/** A bug at the level of nodes. */
export interface PlantedNodeBug extends PlantedBug {
  /** Settings that lead to where the bug is, for one that a run of any kind rarely meets: so that changes elsewhere do not hide it by chance. */
  readonly override: Partial<NodeSettings>;
}

const bug = (name: string, within: number, knownAs = '', override: Partial<NodeSettings> = {}): PlantedNodeBug => ({
  switches: [name],
  from: 1,
  within,
  knownAs,
  override,
});

/** Faults of these kinds only. */
function only(...kinds: (keyof NodeFaultWeights)[]): NodeFaultWeights {
  const weights = Object.keys(WEIGHTS_MAX).map((kind) => [
    kind,
    kinds.includes(kind as keyof NodeFaultWeights) ? 1 : 0,
  ]);
  return Object.fromEntries(weights) as NodeFaultWeights;
}

const SLOW_WRITES = { readUnits: 1, writeUnits: 100, spreadUnits: 50, stallRate: 0 };
const BUSY = { clients: 4, thinkTime: 10, valueBytes: 8, turnDelayMax: 1 };

/** Bugs of storage, driver, edge and client, each with the seeds within which the simulation of nodes must notice it. docs/testing.md tells what each does. */
export const PLANTED_NODE_BUGS: readonly PlantedNodeBug[] = [
  bug('store-acknowledges-before-sync', 30, 'ZOOKEEPER-3911'),
  bug('store-drops-hard-state', 20),
  bug('store-skips-checksums', 60, '', { ...BUSY, faults: only('rot'), faultEvery: 1_500, servers: 3 }),
  bug('store-takes-damage-for-torn-tail', 30, 'ZOOKEEPER-4846'),
  bug('store-trusts-the-cache', 60, 'fsync failures: Rebello et al., 2020', {
    ...BUSY,
    disk: SLOW_WRITES,
    faults: only('kill', 'powerLoss', 'powerLossAll'),
    faultEvery: 800,
    faultLasts: 400,
  }),
  bug('disk-folder-never-synced', 30),
  bug('disk-errors-ignored', 60, 'ZOOKEEPER-4882'),
  bug('driver-applies-uncommitted', 20),
  bug('driver-serves-reads-before-applied', 60, '', {
    ...BUSY,
    servers: 3,
    keys: 1,
    readShare: 0.5,
    faultEvery: 0,
    network: {
      latencyMin: 1,
      latencySpread: 60,
      noticeMax: 10,
      reconnectMax: 20,
      dropRate: 0,
      duplicateRate: 0,
      reorderRate: 0,
    },
  }),
  bug('driver-releases-before-flush', 20, 'ZOOKEEPER-3911'),
  bug('snapshot-without-exactly-once', 20),
  bug('edge-reads-without-barrier', 20, 'ZooKeeper by default'),
  bug('edge-ignores-at-least', 30),
  bug('client-retries-under-another-name', 30),
  bug('client-takes-unknown-for-done', 30),
];
