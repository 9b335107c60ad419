import { afterEach, describe, expect, it } from 'vitest';
import type { ForwardReply } from './forward-reply.js';
import type { PeerLimits } from './peer-limits.js';
import { TestCluster, until, type RecordedEvents } from './test-cluster.js';

const clusters: TestCluster[] = [];

afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function start(limits: PeerLimits = {}): Promise<{ cluster: TestCluster; events: Map<number, RecordedEvents> }> {
  const cluster = await TestCluster.open([1, 2], limits);
  clusters.push(cluster);
  return { cluster, events: await cluster.start() };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

function forward(cluster: TestCluster, text: string): { replies: ForwardReply[] } {
  const outcome = { replies: [] as ForwardReply[] };
  cluster.get(1).transport.forward(2, bytes(text), (reply) => outcome.replies.push(reply));
  return outcome;
}

describe('forwarded writes', () => {
  it('arrive in order and are each answered once, a thousand at a time', async () => {
    const { cluster } = await start();
    const arrived: string[] = [];
    cluster.get(2).transport.onForward = (from, operation, reply) => {
      const text = Buffer.from(operation).toString();
      arrived.push(`${from} ${text}`);
      // Answers come later, out of order, and a second one is not a thing.
      setImmediate(() => {
        reply(
          Number(text) % 10 === 9
            ? { kind: 'refused', reason: 'diskFull' }
            : { kind: 'result', result: bytes(`done ${text}`) },
        );
        reply({ kind: 'unknown' });
      });
    };
    const outcomes = Array.from({ length: 1_000 }, (_, index) => forward(cluster, String(index)));
    expect(outcomes.every(({ replies }) => replies.length === 0)).toBe(true);
    await until(() => outcomes.every(({ replies }) => replies.length > 0));
    expect(arrived).toEqual(outcomes.map((_, index) => `1 ${index}`));
    outcomes.forEach(({ replies }, index) => {
      const reply = replies[0];
      if (index % 10 === 9) expect(replies).toEqual([{ kind: 'refused', reason: 'diskFull' }]);
      else expect(reply?.kind === 'result' && Buffer.from(reply.result).toString()).toBe(`done ${index}`);
      expect(replies.length).toBe(1);
    });
  });

  it('that were sent are unknown after a loss, and a late answer changes nothing', async () => {
    const { cluster, events } = await start();
    const replies: ((reply: ForwardReply) => void)[] = [];
    cluster.get(2).transport.onForward = (_from, _operation, reply) => void replies.push(reply);
    const outcome = forward(cluster, 'x');
    await until(() => replies.length === 1);
    cluster.disconnect(1, 2);
    await until(() => outcome.replies.length === 1);
    expect(outcome.replies).toEqual([{ kind: 'unknown' }]);
    await until(() => [1, 2].every((id) => events.get(id)!.log.length === 3));
    replies[0]?.({ kind: 'result', result: bytes('late') });
    // A write over the new link is answered by itself.
    const next = forward(cluster, 'y');
    await until(() => replies.length === 2);
    replies[1]?.({ kind: 'result', result: bytes('in time') });
    await until(() => next.replies.length === 1);
    expect(next.replies[0]).toMatchObject({ kind: 'result', result: Buffer.from('in time') });
    expect(outcome.replies.length).toBe(1);
  });

  it('that were sent are unknown once another server leads, however silent their link is, and the link goes on', async () => {
    const { cluster } = await start();
    const replies: ((reply: ForwardReply) => void)[] = [];
    cluster.get(2).transport.onForward = (_from, _operation, reply) => void replies.push(reply);
    const sent = forward(cluster, 'x');
    await until(() => replies.length === 1);
    const queued = forward(cluster, 'y');
    cluster.get(1).transport.abandonForwards(2);
    expect(sent.replies).toEqual([{ kind: 'unknown' }]);
    expect(queued.replies).toEqual([{ kind: 'refused', reason: 'noQuorum' }]);
    replies[0]?.({ kind: 'result', result: bytes('late') });
    const next = forward(cluster, 'z');
    await until(() => replies.length === 2);
    replies[1]?.({ kind: 'result', result: bytes('in time') });
    await until(() => next.replies.length === 1);
    expect(next.replies[0]).toMatchObject({ kind: 'result', result: Buffer.from('in time') });
    expect([sent.replies.length, queued.replies.length]).toEqual([1, 1]);
  });

  it('that were not sent yet are certainly not applied after a loss', async () => {
    const { cluster, events } = await start();
    let arrived = 0;
    cluster.get(2).transport.onForward = () => void (arrived += 1);
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        cluster.cut(1);
        resolve();
      });
    });
    const outcome = forward(cluster, 'x');
    await until(() => outcome.replies.length === 1);
    expect(outcome.replies).toEqual([{ kind: 'refused', reason: 'noQuorum' }]);
    await until(() => events.get(1)!.log.length === 3);
    expect(arrived).toBe(0);
  });

  it('are refused when the peer is not there, and never from within the call', async () => {
    const { cluster, events } = await start();
    await cluster.get(2).transport.stop();
    await until(() => !events.get(1)!.up.has(2));
    const outcome = forward(cluster, 'x');
    expect(outcome.replies).toEqual([]);
    await until(() => outcome.replies.length === 1);
    expect(outcome.replies).toEqual([{ kind: 'refused', reason: 'noQuorum' }]);
  });

  it('are refused beyond their number and their bytes, and taken again after', async () => {
    const { cluster } = await start({ forwardsMax: 10, forwardBytesMax: 2_048 });
    const replies: ((reply: ForwardReply) => void)[] = [];
    cluster.get(2).transport.onForward = (_from, _operation, reply) => void replies.push(reply);
    const outcomes = Array.from({ length: 12 }, () => forward(cluster, 'x'));
    await until(() => replies.length === 10);
    const refused = outcomes.flatMap((outcome) => outcome.replies);
    expect(refused).toEqual([
      { kind: 'refused', reason: 'overloaded' },
      { kind: 'refused', reason: 'overloaded' },
    ]);
    for (const reply of replies.splice(0)) reply({ kind: 'unknown' });
    await until(() => outcomes.every((outcome) => outcome.replies.length === 1));
    const large = [forward(cluster, 'y'.repeat(1_500)), forward(cluster, 'y'.repeat(1_500))];
    await until(() => replies.length === 1 && large[1]!.replies.length === 1);
    expect(large[1]!.replies).toEqual([{ kind: 'refused', reason: 'overloaded' }]);
  });

  it('are unknown when no answer comes in time', async () => {
    const { cluster, events } = await start({ forwardTimeoutMs: 100, pingIntervalMs: 20, silentIntervalsMax: 1_000 });
    const outcome = forward(cluster, 'never answered');
    cluster.get(2).transport.onForward = () => undefined;
    await until(() => outcome.replies.length === 1);
    expect(outcome.replies).toEqual([{ kind: 'unknown' }]);
    expect(events.get(1)!.log).toEqual(['up 2']);
  });

  it('are refused by a server whose owner takes none', async () => {
    const { cluster } = await start();
    const outcome = forward(cluster, 'x');
    await until(() => outcome.replies.length === 1);
    expect(outcome.replies).toEqual([{ kind: 'refused', reason: 'notLeader' }]);
  });
});
