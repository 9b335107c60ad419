/**
 * What may be found wrong with a history.
 *
 * - `linearizable`: no order explains the answers.
 * - `zxid-order`: an answer is not what the order of the zxids says.
 * - `real-time`: the order of the zxids contradicts the clock.
 * - `one-place`: two writes have one zxid.
 * - `exactly-once`: one write is seen in two places.
 * - `phantom`: what certainly had no effect is seen.
 * - `fifo`: a client's calls are not done in the order in which it made them, or it saw less than before.
 * - `reads-at-least`: a read shows less than it asked for.
 * - `watch-order`, `watch-slice`: a watch goes back; it tells something else than what happened.
 * - `session`: a session was over for the cluster before it was for its client, or it acted after its end.
 * - `holder`, `token`: more held a lock than may; a fencing token did not grow.
 * - `digest`: servers differ in their state at one zxid.
 */
export type HistoryProperty =
  | 'linearizable'
  | 'zxid-order'
  | 'real-time'
  | 'one-place'
  | 'exactly-once'
  | 'phantom'
  | 'fifo'
  | 'reads-at-least'
  | 'watch-order'
  | 'watch-slice'
  | 'session'
  | 'holder'
  | 'token'
  | 'digest';

/** One thing that is wrong, in words, with the records that show it. */
export interface HistoryFault {
  readonly property: HistoryProperty;
  readonly message: string;
}
