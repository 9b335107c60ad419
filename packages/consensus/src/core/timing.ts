/** All waits of the core, in ticks: the core knows no clock. The driver makes them from milliseconds (`TimingOptions`). */
export interface Ticks {
  /** Between a leader's pings. */
  readonly heartbeat: number;
  /** A follower that hears nothing for this long, up to twice as long (drawn each time), looks for a leader, and at once after this long when another one looks; a leader without a quorum steps down. */
  readonly election: number;
  /** A learner that makes no progress in discovery or synchronisation for this long looks again; a leader gives up its epoch. */
  readonly sync: number;
  /** How long a quorum for a vote waits for a better one, while some server that can be reached has not voted. */
  readonly settle: number;
  /** The first and the longest wait before a notification is sent again. */
  readonly resendMin: number;
  readonly resendMax: number;
}

export const DEFAULT_TICKS: Ticks = {
  heartbeat: 4,
  election: 20,
  sync: 80,
  settle: 2,
  resendMin: 2,
  resendMax: 16,
};
