import type { NodeStatus } from '@zkl/consensus';
import { encodeResult, ZXID_ZERO, type Result, type Stat } from '@zkl/wire';
import { afterEach, describe, expect, it } from 'vitest';
import type { ForwardReply } from '../peer/forward-reply.js';
import { until } from '../peer/test-cluster.js';
import { ClusterView } from '../request/cluster-view.js';
import type { ProposalReply } from '../request/write-path.js';
import { StreamWrite, WritePipeline } from './write-pipeline.js';

const pipelines: WritePipeline[] = [];
afterEach(() => {
  for (const pipeline of pipelines.splice(0)) pipeline.end();
});

const leading = (epoch: number): Pick<NodeStatus, 'role' | 'serving' | 'epoch' | 'leader'> => ({
  role: 'leading',
  serving: true,
  epoch,
  leader: 1,
});
const ZERO_STAT: Stat = {
  czxid: ZXID_ZERO,
  mzxid: ZXID_ZERO,
  pzxid: ZXID_ZERO,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: ZXID_ZERO,
  dataLength: 0,
  numChildren: 0,
};
const LOOKING = { role: 'looking', serving: false, epoch: 1, leader: undefined } as const;

const applied = (counter: number): ProposalReply => ({
  kind: 'applied',
  result: { kind: 'deleted', zxid: { epoch: 1, counter } },
});
const outOfOrder: Result = { kind: 'error', zxid: { epoch: 1, counter: 9 }, code: 'OUT_OF_ORDER', path: undefined };

function setUp() {
  const view = new ClusterView();
  view.update(leading(1));
  const sent: { number: number; reply: (reply: ProposalReply) => void }[] = [];
  const forwarded: { to: number; number: number; reply: (reply: ForwardReply) => void }[] = [];
  const pipeline = new WritePipeline(
    {
      view,
      propose: (operation, reply) => void sent.push({ number: operation[0]!, reply }),
      forward: (to, operation, reply) => void forwarded.push({ to, number: operation[0]!, reply }),
    },
    () => undefined,
  );
  pipelines.push(pipeline);
  const write = (number: number, { hasWriteId = true, ordered = true } = {}): StreamWrite => {
    const made = new StreamWrite(new Uint8Array([number]), hasWriteId, ordered, { bytes: 1, left: 1 });
    pipeline.submit(made);
    return made;
  };
  const change = (status: Parameters<ClusterView['update']>[0]): void => {
    view.update(status);
    pipeline.onView();
  };
  return { sent, forwarded, write, change, numbers: () => sent.map(({ number }) => number) };
}

describe('the writes of a stream', () => {
  it('are sent as they come, without waiting for one another', () => {
    const { write, numbers, sent } = setUp();
    const [first, second] = [write(1), write(2)];
    expect(numbers()).toEqual([1, 2]);
    sent[1]!.reply(applied(2));
    expect([first.state, second.state]).toEqual(['underWay', 'done']);
    sent[0]!.reply(applied(1));
    expect(first.zxid).toEqual({ epoch: 1, counter: 1 });
    expect(first.result).toEqual({ kind: 'deleted', zxid: { epoch: 1, counter: 1 } });
  });

  it('go again in order when one was refused and those behind it came too early', async () => {
    const { write, numbers, sent } = setUp();
    const writes = [write(1), write(2), write(3)];
    sent[0]!.reply({ kind: 'refused', reason: 'overloaded' });
    sent[1]!.reply({ kind: 'applied', result: outOfOrder });
    // What comes now does not overtake.
    const last = write(4);
    expect(numbers()).toEqual([1, 2, 3]);
    sent[2]!.reply({ kind: 'applied', result: outOfOrder });
    await until(() => sent.length === 7);
    expect(numbers()).toEqual([1, 2, 3, 1, 2, 3, 4]);
    sent.slice(3).forEach(({ reply }, index) => reply(applied(index + 1)));
    expect([...writes, last].map(({ zxid }) => zxid?.counter)).toEqual([1, 2, 3, 4]);
  });

  it('tell the client of a gap that is its own', () => {
    const { write, sent } = setUp();
    const only = write(5);
    sent[0]!.reply({ kind: 'applied', result: outOfOrder });
    expect(only.state).toBe('done');
    expect(only.result).toEqual(outOfOrder);
  });

  it('wait for a leader, do not hear one that leads no more, and go to the next in order', () => {
    const { write, change, numbers, sent } = setUp();
    const writes = [write(1), write(2)];
    change(LOOKING);
    sent[0]!.reply(applied(1));
    expect(writes[0]!.state).toBe('waiting');
    writes.push(write(3));
    expect(numbers()).toEqual([1, 2]);
    change(leading(2));
    expect(numbers()).toEqual([1, 2, 1, 2, 3]);
    sent.slice(2).forEach(({ reply }, index) => reply(applied(index + 1)));
    expect(writes.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  });

  it('without a write id are not sent twice: their outcome is unknown', () => {
    const { write, change, numbers } = setUp();
    const bare = write(1, { hasWriteId: false, ordered: false });
    const named = write(2);
    change(LOOKING);
    expect(bare).toMatchObject({ state: 'done', failure: 'OUTCOME_UNKNOWN', mayBeApplied: true });
    change(leading(2));
    expect(numbers()).toEqual([1, 2, 2]);
    expect(named.state).toBe('underWay');
  });

  it('of a follower are answered with the bytes that came, whatever they are', () => {
    const { write, change, forwarded } = setUp();
    change({ role: 'following', serving: true, epoch: 3, leader: 2 });
    const writes = [write(1), write(2), write(3)];
    expect(forwarded.map(({ to, number }) => [to, number])).toEqual([
      [2, 1],
      [2, 2],
      [2, 3],
    ]);
    const zxid = { epoch: 3, counter: 7 };
    const stat = { ...ZERO_STAT, mzxid: zxid };
    const [set, deleted] = [encodeResult({ kind: 'set', zxid, stat }), encodeResult({ kind: 'deleted', zxid })];
    forwarded[0]!.reply({ kind: 'result', result: set });
    forwarded[1]!.reply({ kind: 'result', result: deleted });
    forwarded[2]!.reply({ kind: 'result', result: set.subarray(1) });
    expect(writes[0]).toMatchObject({ state: 'done', result: set, zxid });
    expect(writes[1]).toMatchObject({ state: 'done', result: deleted, zxid });
    expect(writes[2]).toMatchObject({ state: 'done', result: undefined, failure: 'SYSTEM_ERROR', mayBeApplied: true });
  });

  it('are refused for certain when the disk is full', () => {
    const { write, sent } = setUp();
    const only = write(1);
    sent[0]!.reply({ kind: 'refused', reason: 'diskFull' });
    expect(only).toMatchObject({ state: 'done', failure: 'DISK_FULL', mayBeApplied: false });
  });
});
