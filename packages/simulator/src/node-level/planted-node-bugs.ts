import type { PlantedBug } from '../planted-bugs.js';

const bug = (name: string, from: number, within: number, knownAs = ''): PlantedBug => ({
  switches: [name],
  from,
  within,
  knownAs,
});

/** Bugs of storage, driver, edge and client, each with the seeds within which the simulation of nodes must notice it. docs/testing.md tells what each does. */
export const PLANTED_NODE_BUGS: readonly PlantedBug[] = [
  bug('store-acknowledges-before-sync', 1, 30, 'ZOOKEEPER-3911'),
  bug('store-drops-hard-state', 1, 20),
  bug('store-skips-checksums', 10, 60, 'etcd and ZooKeeper without checksums'),
  bug('store-takes-damage-for-torn-tail', 1, 30, 'ZOOKEEPER-4846'),
  bug('store-trusts-the-cache', 190, 150, 'fsync failures: Rebello et al.'),
  bug('disk-folder-never-synced', 1, 30),
  bug('disk-errors-ignored', 1, 60, 'ZOOKEEPER-4882'),
  bug('driver-applies-uncommitted', 1, 20),
  bug('driver-serves-reads-before-applied', 15, 60),
  bug('driver-releases-before-flush', 1, 20, 'ZOOKEEPER-3911'),
  bug('snapshot-without-exactly-once', 1, 20),
  bug('edge-reads-without-barrier', 1, 20, 'ZooKeeper by default'),
  bug('edge-ignores-at-least', 1, 30),
  bug('client-retries-under-another-name', 1, 30),
  bug('client-takes-unknown-for-done', 1, 30),
];
