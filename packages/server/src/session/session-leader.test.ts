import type { Zxid } from '@zkl/consensus';
import type { SessionAnswer } from '@zkl/state-machine';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../peer/test-cluster.js';
import type { TouchAnswer } from '../peer/touch-codec.js';
import type { SessionTouch } from './session-keeper.js';
import { SessionLeader } from './session-leader.js';
import { SessionMap } from './session-map.js';

const leaders: SessionLeader[] = [];
afterEach(() => {
  for (const leader of leaders.splice(0)) leader.end();
});

const id = (counter: number): Zxid => ({ epoch: 1, counter });
const touchOf = (counter: number, attachment = 1): SessionTouch => ({ session: id(counter), attachment });

function setUp() {
  const table = new SessionMap<SessionAnswer>();
  const barriers: ((refusal: 'noQuorum' | undefined) => void)[] = [];
  const expired: { sessions: number[]; done: (applied: boolean) => void }[] = [];
  const moved: unknown[] = [];
  const leader = new SessionLeader({
    table: { session: (session) => table.get(session), sessions: () => table.values() },
    expire: (sessions, done) => void expired.push({ sessions: sessions.map(({ counter }) => counter), done }),
    readBarrier: (done) => void barriers.push(done),
    tellMoved: (to, touches) => void moved.push([to, ...touches.map(({ attachment }) => attachment)]),
  });
  leaders.push(leader);
  const add = (counter: number, timeoutMs: number, ephemerals = 0): void =>
    table.set(id(counter), { id: id(counter), timeoutMs, ephemerals, secretHash: new Uint8Array(32) });
  const answers: TouchAnswer[] = [];
  const touch = (touches: SessionTouch[], from = 2): void =>
    leader.onTouch(from, touches, (answer) => void answers.push(answer));
  return { table, barriers, expired, moved, leader, add, answers, touch };
}

describe("the leader's part of sessions", () => {
  it('confirms a touch only after a quorum confirmed its leadership', () => {
    const { leader, add, touch, answers, barriers } = setUp();
    add(1, 1_000);
    leader.begin();
    touch([touchOf(1)]);
    expect(answers).toEqual([]);
    barriers[0]!(undefined);
    expect(answers).toEqual([{ kind: 'noted', refused: [] }]);
  });

  it('confirms nothing when the quorum is gone, or when it led only before', () => {
    const { leader, add, touch, answers, barriers } = setUp();
    add(1, 1_000);
    touch([touchOf(1)]);
    expect(answers).toEqual([{ kind: 'notLeader' }]);
    leader.begin();
    touch([touchOf(1)]);
    barriers[0]!('noQuorum');
    touch([touchOf(1)]);
    leader.end();
    leader.begin();
    barriers[1]!(undefined);
    expect(answers).toEqual([{ kind: 'notLeader' }, { kind: 'notLeader' }, { kind: 'notLeader' }]);
  });

  it('knows a session that it has applied while it asked, and refuses one that is gone', () => {
    const { leader, add, touch, answers, barriers } = setUp();
    leader.begin();
    touch([touchOf(1), touchOf(2)]);
    add(2, 1_000);
    barriers[0]!(undefined);
    expect(answers).toEqual([{ kind: 'noted', refused: [{ index: 0, why: 'expired' }] }]);
  });

  it('proposes the end of the silent, refuses their touches from then on, and proposes again what was refused', async () => {
    const { leader, add, touch, answers, barriers, expired, table } = setUp();
    add(1, 50);
    add(2, 60_000);
    leader.begin();
    await until(() => expired.length === 1);
    expect(expired[0]!.sessions).toEqual([1]);
    touch([touchOf(1), touchOf(2)]);
    barriers[0]!(undefined);
    expect(answers).toEqual([{ kind: 'noted', refused: [{ index: 0, why: 'expired' }] }]);
    expired[0]!.done(false);
    await until(() => expired.length === 2);
    expect(expired[1]!.sessions).toEqual([1]);
    table.delete(id(1));
    expired[1]!.done(true);
    expect(leader.expired).toBe(1);
  });

  it('does not propose the end of a session that was closed meanwhile', async () => {
    const { leader, add, expired, table } = setUp();
    add(1, 50);
    add(2, 100);
    leader.begin();
    table.delete(id(1));
    await until(() => expired.length === 1);
    expect(expired[0]!.sessions).toEqual([2]);
  });

  it('bounds what goes in one zxid, by sessions and by ephemerals', async () => {
    const { leader, add, expired } = setUp();
    for (let counter = 1; counter <= 300; counter += 1) add(counter, 50);
    for (let counter = 301; counter <= 303; counter += 1) add(counter, 50, 6_000);
    leader.begin();
    await until(() => expired.reduce((sum, { sessions }) => sum + sessions.length, 0) === 303);
    expect(expired.map(({ sessions }) => sessions.length)).toEqual([256, 46, 1]);
  });

  it('tells the server of the older stream that another took its place', () => {
    const { leader, add, touch, moved, answers, barriers } = setUp();
    add(1, 1_000);
    leader.begin();
    touch([touchOf(1, 1)], 2);
    touch([touchOf(1, 2)], 3);
    touch([touchOf(1, 1)], 2);
    expect(moved).toEqual([[2, 1]]);
    for (const barrier of barriers) barrier(undefined);
    expect(answers[2]).toEqual({ kind: 'noted', refused: [{ index: 0, why: 'moved' }] });
  });
});
