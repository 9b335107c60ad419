import type { Change } from '../chronicle.js';
import { showZxid, type CallRecord, type WorldChecker, type WorldView } from '../world-checker.js';

/** A call's write is in the history once, where its answer says; at most once when no answer came; never when it was rejected. */
export function exactlyOnce(world: WorldView): WorldChecker {
  const calls: CallRecord[] = [];
  const fail = ({ client, what, outcome }: CallRecord, why: string): void =>
    world.violate('exactly-once', `${client.name}, "${what}", ${outcome}: ${why}`);
  return {
    onCall: (call) => {
      if (call.values.length > 0) calls.push(call);
    },
    onHealed: () => {
      const writes = new Map<string, Change[]>();
      for (const change of world.chronicle.changes) {
        if (typeof change.data !== 'string') continue;
        const same = writes.get(change.data);
        if (same === undefined) writes.set(change.data, [change]);
        else same.push(change);
      }
      for (const call of calls) {
        const found = call.values.flatMap((value) => writes.get(value) ?? []);
        for (const value of call.values) {
          const times = (writes.get(value) ?? []).length;
          if (times > 1) fail(call, `${value} was written ${times} times`);
        }
        if (call.outcome === 'rejected' && found.length > 0)
          fail(call, `it is in the history at ${showZxid(found[0]!.zxid)}`);
        if (call.outcome !== 'done') continue;
        if (found.length === 0) fail(call, 'it is not in the history');
        const elsewhere = found.find(({ zxid }) => zxid !== call.zxid);
        if (elsewhere !== undefined)
          fail(call, `it is at ${showZxid(elsewhere.zxid)}, not ${showZxid(call.zxid ?? 0)}`);
      }
      // Values of calls whose client died before the answer: at most once too.
      for (const [value, changes] of writes) {
        if (changes.length > 1) world.violate('exactly-once', `${value} was written ${changes.length} times`);
      }
    },
  };
}
