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
  bug('vote-with-committed', 1, 100, 'ZOOKEEPER-2845'),
  bug('empty-folder-votes', 190, 60),
  bug('ack-before-durable', 1, 60, 'ZOOKEEPER-3911'),
  bug('ack-new-leader-before-durable', 1, 100, 'ZOOKEEPER-4646'),
];
