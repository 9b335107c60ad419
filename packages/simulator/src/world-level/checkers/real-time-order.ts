import { showZxid, type CallRecord, type WorldChecker, type WorldView } from '../world-checker.js';

/**
 * Linearizability, across all keys: the order of the history respects real time. A write, and what a linearizable read saw, is not before anything that was
 * answered before the call was made. (That answers agree with the history is another checker's.)
 */
export function realTimeOrder(world: WorldView): WorldChecker {
  /** For times in order: the highest zxid that was answered by then. */
  const ends: { readonly time: number; readonly zxid: number; readonly call: CallRecord }[] = [];

  const before = (time: number): { readonly zxid: number; readonly call: CallRecord } | undefined => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    return ends[low - 1];
  };

  return {
    onCall: (call) => {
      const { zxid, start, end, consistency, client, what } = call;
      if (call.outcome !== 'done' || zxid === undefined) return;
      const earlier = consistency === 'write' || consistency === 'linearizable' ? before(start) : undefined;
      const isLate =
        earlier !== undefined &&
        (zxid < earlier.zxid ||
          (consistency === 'write' && zxid === earlier.zxid && earlier.call.consistency === 'write'));
      if (isLate) {
        const other = `${earlier.call.client.name}'s "${earlier.call.what}" at ${showZxid(earlier.zxid)}`;
        world.violate(
          'real-time-order',
          `${client.name}'s "${what}" is at ${showZxid(zxid)}, though ${other} was answered before it began`,
        );
      }
      const last = ends.at(-1);
      // A local read tells of what is committed, and so of what is to be seen from then on.
      if (last === undefined || zxid > last.zxid) ends.push({ time: end, zxid, call });
    },
  };
}
