/** A mistake that was made before, in ZooKeeper or its specification, and how zkl shows that it does not make it. */
export interface KnownMistake {
  readonly knownAs: readonly string[];
  readonly rule: string;
  /** Files of packages/consensus/testdata, without `.txt`. */
  readonly stories: readonly string[];
  /** Switches that break the rule: each is in a table of planted bugs. */
  readonly switches: readonly string[];
  /** Why there is no such thing in zkl that could be switched off. */
  readonly noSwitch?: string;
}

/** Every row of the table of mistakes that zkl was written by. */
export const KNOWN_MISTAKES: readonly KnownMistake[] = [
  {
    knownAs: ['ZOOKEEPER-2845'],
    rule: 'a vote is of the last logged zxid',
    stories: ['zookeeper-2845-vote-with-the-logged-zxid'],
    switches: ['vote-with-committed'],
  },
  {
    knownAs: ['ZOOKEEPER-3911', 'ZOOKEEPER-4646', 'ZOOKEEPER-4785'],
    rule: 'an ack is made only from what is durable',
    stories: ['zookeeper-3911-new-leader-after-the-disk'],
    switches: [
      'ack-before-durable',
      'ack-new-leader-before-durable',
      'driver-releases-before-flush',
      'store-acknowledges-before-sync',
    ],
  },
  {
    knownAs: ['ZOOKEEPER-4643'],
    rule: 'history durable, epoch durable, ack: in that order',
    stories: ['zookeeper-4643-epoch-after-the-history'],
    switches: ['disk-hard-state-first'],
  },
  {
    knownAs: ['ZOOKEEPER-4685'],
    rule: "NEWLEADER's ack is a message of its own",
    stories: ['zookeeper-4685-two-kinds-of-ack'],
    switches: ['ack-counts-as-new-leader-ack'],
  },
  {
    knownAs: ['ZOOKEEPER-4394'],
    rule: 'commits behind NEWLEADER are not lost',
    stories: ['zookeeper-4394-commit-behind-newleader'],
    switches: [],
    noSwitch: 'a commit is a position in the log: there is no queue that could be empty',
  },
  {
    knownAs: ['ZOOKEEPER-4925'],
    rule: 'log, DIFF and apply refuse a gap; one path applies',
    stories: ['zookeeper-4925-a-gap-is-refused'],
    switches: ['skip-gap-check', 'driver-applies-any-disk-block'],
  },
  {
    knownAs: ['ZOOKEEPER-3104', 'ZOOKEEPER-3642'],
    rule: 'a snapshot lands beside the old state, and replaces it whole',
    stories: ['long-away-snap'],
    switches: ['disk-installs-in-place'],
  },
  {
    knownAs: ['ZOOKEEPER-4712', 'ZOOKEEPER-3240'],
    rule: 'what a role that ended would still say or hear counts for nothing',
    stories: ['stale-attempt', 'zab-paper-5-a-promise-shuts-the-door', 'a-leaver-that-loses-its-quorum'],
    switches: ['keep-releases', 'accept-stale-attempts'],
  },
  {
    knownAs: ['ZOOKEEPER-2355', 'ZOOKEEPER-4837'],
    rule: 'TRUNC leaves no newer snapshot behind; what is applied is committed',
    stories: ['zookeeper-2355-trunc-below-a-snapshot', 'divergent-tail-trunc'],
    switches: ['disk-takes-log-for-committed', 'driver-saves-undurable-state'],
  },
  {
    knownAs: ['ZOOKEEPER-4882'],
    rule: 'a failed write or sync ends the run of the process, and is never retried',
    stories: [],
    switches: ['disk-loses-a-flush', 'disk-errors-ignored', 'store-trusts-the-cache'],
  },
  {
    knownAs: ['ZOOKEEPER-4846', 'ZOOKEEPER-3056', 'ZOOKEEPER-3644'],
    rule: 'a start takes only what a crash can have left for a torn tail; all else is damage, and repaired from a quorum',
    stories: ['damaged-server-does-not-vote', 'lost-promise-does-not-help-an-old-leader'],
    switches: ['disk-damage-taken-for-torn-tail', 'store-takes-damage-for-torn-tail'],
  },
  {
    knownAs: ['ZOOKEEPER-1419', 'ZOOKEEPER-1732'],
    rule: 'an election settles, and who comes back joins the quorum there is',
    stories: ['returning-server-does-not-disturb'],
    switches: ['election-ignores-leaders'],
  },
  {
    knownAs: ['ZOOKEEPER-4708'],
    rule: 'identity is never an address',
    stories: [],
    switches: [],
    noSwitch: 'the core knows servers by their ids only; there is no address in any of its messages',
  },
  {
    knownAs: ['TLA+ issue 1'],
    rule: 'the broadcast set is fixed in the step that queues the synchronisation',
    stories: ['tla-issue-1-proposals-during-synchronisation'],
    switches: ['broadcast-only-to-synced'],
  },
  {
    knownAs: ['TLA+ issue 2'],
    rule: 'duplicates are ignored, gaps are fatal',
    stories: ['tla-issue-2-a-proposal-twice'],
    switches: ['skip-gap-check'],
  },
  {
    knownAs: ['fuzzy snapshots'],
    rule: 'a snapshot is a consistent cut',
    stories: ['long-away-snap'],
    switches: ['snapshot-without-exactly-once'],
    noSwitch:
      'a snapshot is of one zxid, and what is restored has its digest: there is no replay over a tree that moved',
  },
];
