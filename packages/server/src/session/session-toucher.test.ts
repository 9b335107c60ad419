import type { NodeStatus } from '@zkl/consensus';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../peer/test-cluster.js';
import type { TouchAnswer } from '../peer/touch-codec.js';
import type { TouchReply } from '../peer/touching.js';
import { ClusterView } from '../request/cluster-view.js';
import type { SessionTouch } from './session-keeper.js';
import { SessionToucher, touchPatienceMs } from './session-toucher.js';

type Status = Pick<NodeStatus, 'role' | 'serving' | 'epoch' | 'leader'>;

const FOLLOWING: Status = { role: 'following', serving: true, epoch: 1, leader: 2 };
const LOOKING: Status = { role: 'looking', serving: false, epoch: 1, leader: undefined };
const LEADING: Status = { role: 'leading', serving: true, epoch: 2, leader: 1 };

const touchers: SessionToucher[] = [];
afterEach(() => {
  for (const toucher of touchers.splice(0)) toucher.stop();
});

interface Sent {
  readonly to: number | 'local';
  readonly counters: number[];
  readonly reply: (reply: TouchReply) => void;
}

function setUp(status: Status): {
  toucher: SessionToucher;
  view: ClusterView;
  sent: Sent[];
  heard: string[];
  touch: (counter: number, patienceMs?: number) => () => void;
} {
  const view = new ClusterView();
  view.update(status);
  const sent: Sent[] = [];
  const note = (to: number | 'local', touches: readonly SessionTouch[], reply: (reply: TouchReply) => void): void =>
    void sent.push({ to, counters: touches.map(({ session }) => session.counter), reply });
  const toucher = new SessionToucher({
    view,
    send: note,
    local: (touches, reply: (answer: TouchAnswer) => void) =>
      note('local', touches, reply as (reply: TouchReply) => void),
  });
  touchers.push(toucher);
  const heard: string[] = [];
  const touch = (counter: number, patienceMs = 0): (() => void) =>
    toucher.touch({ session: { epoch: 1, counter }, attachment: 1 }, patienceMs, (outcome) =>
      heard.push(`${counter} ${outcome}`),
    );
  return { toucher, view, sent, heard, touch };
}

describe('the collector of touches', () => {
  it('shares one batch, and lets the next wait for the answer', async () => {
    const { sent, heard, touch } = setUp(FOLLOWING);
    for (let counter = 1; counter <= 3; counter += 1) touch(counter, 5);
    await until(() => sent.length === 1);
    expect(sent[0]).toMatchObject({ to: 2, counters: [1, 2, 3] });
    touch(4);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(sent).toHaveLength(1);
    expect(heard).toEqual([]);
    sent[0]!.reply({ kind: 'noted', refused: [{ index: 1, why: 'moved' }] });
    expect(heard).toEqual(['1 alive', '2 moved', '3 alive']);
    await until(() => sent.length === 2);
    expect(sent[1]!.counters).toEqual([4]);
  });

  it('says nothing on the word of a leader who leads no more, and asks the next', async () => {
    const { view, sent, heard, touch } = setUp(FOLLOWING);
    touch(1);
    await until(() => sent.length === 1);
    view.update(LOOKING);
    sent[0]!.reply({ kind: 'noted', refused: [] });
    expect(heard).toEqual([]);
    view.update(LEADING);
    await until(() => sent.length === 2);
    expect(sent[1]).toMatchObject({ to: 'local', counters: [1] });
    sent[1]!.reply({ kind: 'notLeader' });
    await until(() => sent.length === 3);
    sent[2]!.reply({ kind: 'noted', refused: [{ index: 0, why: 'expired' }] });
    expect(heard).toEqual(['1 expired']);
  });

  it('waits without a leader, and tries again when its batch was lost', async () => {
    const { view, sent, heard, touch } = setUp(LOOKING);
    touch(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(sent).toEqual([]);
    view.update(FOLLOWING);
    await until(() => sent.length === 1);
    sent[0]!.reply({ kind: 'lost' });
    await until(() => sent.length === 2);
    sent[1]!.reply({ kind: 'noted', refused: [] });
    expect(heard).toEqual(['1 alive']);
  });

  it('forgets what was taken back', async () => {
    const { toucher, sent, heard, touch } = setUp(FOLLOWING);
    touch(1, 2)();
    touch(2, 2);
    await until(() => sent.length === 1);
    expect(sent[0]!.counters).toEqual([2]);
    sent[0]!.reply({ kind: 'noted', refused: [] });
    expect(heard).toEqual(['2 alive']);
    expect(toucher.size).toBe(0);
  });

  it('lets nobody wait long for company', () => {
    expect(touchPatienceMs(500)).toBe(10);
    expect(touchPatienceMs(120_000)).toBe(100);
  });
});
