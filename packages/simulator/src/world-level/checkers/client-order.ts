import { showZxid, type CallRecord, type WorldChecker, type WorldView } from '../world-checker.js';

/**
 * Calls of one stream are done in the order in which they were made: a call sees all writes before it, and writes have the order of their calls. A read does
 * not see a write after it either, unless a stream was lost meanwhile: then it is asked again, and the write may have been applied already. And no client goes
 * back in time, whatever it reads.
 */
export function clientOrder(world: WorldView): WorldChecker {
  const lanes = new Map<string, CallRecord[]>();
  return {
    onCall: (call) => {
      if (call.outcome !== 'done') return;
      const { client } = call;
      const key = `${client.name} ${call.lane}`;
      let calls = lanes.get(key);
      if (calls === undefined) lanes.set(key, (calls = []));
      for (let at = calls.length - 1; at >= Math.max(0, calls.length - 20); at--) {
        const other = calls[at]!;
        // Calls that are requests of their own have no order but that of who waits for whom.
        const isAfter = client.isUnary ? call.start >= other.end : call.number > other.number;
        const [first, second] = isAfter ? [other, call] : [call, other];
        if (!isAfter && client.isUnary && other.start < call.end) continue;
        // A stream was opened meanwhile: the read may have been asked again.
        if (first.consistency !== 'write' && second.consistency === 'write' && first.streams[0] !== second.streams[1]) continue;
        const bothWrite = first.consistency === 'write' && second.consistency === 'write';
        if (bothWrite ? second.zxid! > first.zxid! : second.zxid! >= first.zxid!) continue;
        const at1 = `"${first.what}" at ${showZxid(first.zxid!)}`;
        world.violate('client-order', `${client.name} made ${at1} before "${second.what}" at ${showZxid(second.zxid!)}`);
      }
      calls.push(call);
    },
  };
}
