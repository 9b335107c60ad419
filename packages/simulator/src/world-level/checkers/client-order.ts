import { showZxid, type CallRecord, type WorldChecker, type WorldView } from '../world-checker.js';

/**
 * Calls of one stream are done in the order in which they were made: a call sees all writes that were made before it, and writes have the order of their
 * calls. And no client goes back in time, whatever it reads. (A read that was not awaited may see more than was written before it.)
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
        const isAfter = client.isUnary ? call.start > other.end : call.number > other.number;
        const [first, second] = isAfter ? [other, call] : [call, other];
        if (!isAfter && client.isUnary && other.start <= call.end) continue;
        // A read is answered once all before it is done; a write that was made after it may be done by then.
        if (first.consistency !== 'write' && second.consistency === 'write' && second.start <= first.end) continue;
        const bothWrite = first.consistency === 'write' && second.consistency === 'write';
        if (bothWrite ? second.zxid! > first.zxid! : second.zxid! >= first.zxid!) continue;
        const at1 = `"${first.what}" at ${showZxid(first.zxid!)}`;
        world.violate(
          'client-order',
          `${client.name} made ${at1} before "${second.what}" at ${showZxid(second.zxid!)}`,
        );
      }
      calls.push(call);
    },
  };
}
