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

const bug = (switches: string, from: number, within: number, knownAs = ''): PlantedBug => ({
  switches: switches.split('+'),
  knownAs,
  from,
  within,
});

/** Every row of the table of mistakes that applies to core, log and driver, and the rules of our own. docs/testing.md tells what each switch does. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
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
  bug('leader-counts-undurable', 1, 200),
  bug('commit-without-quorum', 1, 200),
  bug('serve-without-quorum', 1, 200),
  bug('read-without-quorum', 305, 800, 'etcd 3.5'),
  bug('promise-before-durable', 405, 1500),
  bug('empty-folder-votes', 140, 800),
  bug('elect-by-id+skip-history-check', 1, 200),
];
