import { showZxid, type CallRecord, type Seen, type WorldChecker, type WorldView } from '../world-checker.js';

/** What a client was told is what the one history says at that zxid: what its write did, and what its read saw. */
export function answersAreHistory(world: WorldView): WorldChecker {
  const { chronicle } = world;
  const fail = ({ client, what, zxid = 0 }: CallRecord, why: string): void =>
    world.violate('answers-are-history', `${client.name} was told of "${what}" at ${showZxid(zxid)}: ${why}`);

  const look = (call: CallRecord, zxid: number, seen: Seen): void => {
    if (seen.kind === 'children') {
      const expected = chronicle.childrenAt(seen.path, zxid).join(' ');
      if (expected !== seen.names.join(' ')) fail(call, `the children were ${seen.names.join(' ')}, not ${expected}`);
      return;
    }
    const expected = chronicle.at(seen.path, zxid);
    const { znode } = seen;
    if ((expected === undefined) !== (znode === undefined)) return fail(call, `whether ${seen.path} exists`);
    if (expected === undefined || znode === undefined) return;
    if (znode.version !== expected.version) fail(call, `version ${znode.version}, not ${expected.version}`);
    if (znode.data !== undefined && znode.data !== expected.data) fail(call, `${znode.data}, not ${expected.data}`);
  };

  return {
    onCall: (call) => {
      if (call.outcome !== 'done') return;
      const { zxid = 0 } = call;
      if (zxid > chronicle.last) return fail(call, `the history ends at ${showZxid(chronicle.last)}`);
      for (const seen of call.seen) look(call, zxid, seen);
      for (const { type, path, value, version } of call.effects) {
        const change = chronicle.changesAt(zxid).find((other) => other.path === path && other.type === type);
        if (change === undefined) fail(call, `nothing of the kind happened to ${path}`);
        else if (value !== undefined && change.data !== value) fail(call, `the value is ${change.data}`);
        else if (version !== undefined && change.version !== version) fail(call, `the version is ${change.version}`);
      }
    },
  };
}
