/** How much is measured. */
export interface Settings {
  readonly rounds: number;
  /** Of each measurement. */
  readonly seconds: number;
  /** Before each measurement, not counted. Two of the three systems compile as they run: what is measured is a server that has run for a while. */
  readonly warmupSeconds: number;
  readonly servers: number;
  readonly valueBytes: number;
  /** Znodes of the rows about memory, snapshots and transfer. */
  readonly znodes: number;
  /** Writes before all servers are killed. */
  readonly entries: number;
  /** Leaders killed in a round. */
  readonly kills: number;
  readonly sessions: number;
  /** How long snapshots are looked at. */
  readonly snapshotSeconds: number;
  /** The largest watch row: watchers, on a hundredth as many connections. */
  readonly watchers: number;
  readonly clusterSizes: readonly number[];
}

export const fullSettings: Settings = {
  rounds: 5,
  seconds: 5,
  warmupSeconds: 8,
  servers: 3,
  valueBytes: 256,
  znodes: 1_000_000,
  entries: 500_000,
  kills: 10,
  sessions: 10_000,
  snapshotSeconds: 40,
  watchers: 10_000,
  clusterSizes: [3, 5, 7, 9],
};

/** Whether everything works: figures of it mean little. */
export const quickSettings: Settings = {
  ...fullSettings,
  rounds: 1,
  seconds: 1,
  warmupSeconds: 1,
  znodes: 20_000,
  entries: 20_000,
  kills: 2,
  sessions: 300,
  snapshotSeconds: 10,
  watchers: 2_000,
  clusterSizes: [3, 5],
};
