import type { RefusalReason, Status, Zxid } from '@zkl/consensus';
import { encodeResult, type Result } from '@zkl/state-machine';
import { describe, expect, it } from 'vitest';
import type { ForwardReply } from '../peer/forward-reply.js';
import { ClusterView } from './cluster-view.js';
import { submitWrite, type ProposalReply, type WritePathDependencies, type WriteReply } from './write-path.js';

const RESULT: Result = { kind: 'deleted', zxid: { epoch: 1, counter: 7 } };
const LEADING: Status = { role: 'leading', serving: true, epoch: 1, leader: 1 };
const FOLLOWING: Status = { role: 'following', serving: true, epoch: 1, leader: 2 };
const LOOKING: Status = { role: 'looking', serving: false, epoch: 1, leader: undefined };

/** The request path between scripted ends: what the node and the leader answer, in turn; the last answer stays. `undefined` never comes. */
interface Script {
  readonly status?: Status;
  readonly proposals?: readonly (ProposalReply | undefined)[];
  readonly forwards?: readonly (ForwardReply | undefined)[];
  readonly applies?: boolean;
  readonly quorumReachable?: boolean;
}

function nth<T>(answers: readonly T[], index: number): T {
  const answer = answers[Math.min(index, answers.length - 1)];
  if (answers.length === 0) throw new Error('this was not to be asked');
  return answer as T;
}

function play(script: Script): {
  view: ClusterView;
  dependencies: WritePathDependencies;
  asked: { proposals: number; forwards: number };
} {
  const view = new ClusterView();
  view.update(script.status ?? LEADING);
  const asked = { proposals: 0, forwards: 0 };
  return {
    view,
    asked,
    dependencies: {
      view,
      leaderGraceMs: 150,
      quorumReachable: () => script.quorumReachable ?? false,
      propose: (_operation, done) => {
        const reply = nth(script.proposals ?? [], asked.proposals++);
        if (reply !== undefined) setImmediate(() => done(reply));
      },
      forward: (_to, _operation, done) => {
        const reply = nth(script.forwards ?? [], asked.forwards++);
        if (reply !== undefined) setImmediate(() => done(reply));
      },
      whenApplied: (_zxid: Zxid, done) => {
        if (script.applies !== false) setImmediate(done);
        return () => undefined;
      },
    },
  };
}

function submit(dependencies: WritePathDependencies, hasWriteId = true, timeoutMs = 2_000): Promise<WriteReply> {
  const request = { operation: new Uint8Array(1), hasWriteId, deadlineMs: performance.now() + timeoutMs };
  return new Promise((resolve) => submitWrite(dependencies, request, resolve));
}

function refused(reason: RefusalReason): { kind: 'refused'; reason: RefusalReason } {
  return { kind: 'refused', reason };
}

describe('submitWrite', () => {
  it('proposes on the leader', async () => {
    const { dependencies, asked } = play({ proposals: [{ kind: 'applied', result: RESULT }] });
    expect(await submit(dependencies)).toEqual({ kind: 'result', result: RESULT });
    expect(asked).toEqual({ proposals: 1, forwards: 0 });
  });

  it('forwards from a follower, and answers once it has applied the result itself', async () => {
    const result: ForwardReply = { kind: 'result', result: encodeResult(RESULT) };
    expect(await submit(play({ status: FOLLOWING, forwards: [result] }).dependencies)).toEqual({
      kind: 'result',
      result: RESULT,
    });
    const behind = play({ status: FOLLOWING, forwards: [result], applies: false });
    const startedMs = performance.now();
    // It stays behind: the result is certain all the same, and comes at the deadline.
    expect(await submit(behind.dependencies, true, 200)).toEqual({ kind: 'result', result: RESULT });
    expect(performance.now() - startedMs).toBeGreaterThan(150);
  });

  it.each(['notLeader', 'noQuorum', 'leaving'] as const)('tries again when it is refused with %s', async (reason) => {
    const { dependencies, asked } = play({
      proposals: [refused(reason), refused(reason), { kind: 'applied', result: RESULT }],
    });
    expect(await submit(dependencies)).toEqual({ kind: 'result', result: RESULT });
    expect(asked.proposals).toBe(3);
  });

  it.each([
    ['overloaded', 'THROTTLED'],
    ['diskFull', 'DISK_FULL'],
  ] as const)('does not try again when it is refused with %s', async (reason, code) => {
    const { dependencies, asked } = play({ proposals: [refused(reason)] });
    expect(await submit(dependencies)).toMatchObject({ failure: { code, outcome: 'rejected', retryable: true } });
    expect(asked.proposals).toBe(1);
  });

  it.each([
    [false, 'NO_QUORUM'],
    [true, 'NO_LEADER'],
  ])('gives up after the grace when there is no leader (quorum reachable: %s)', async (quorumReachable, code) => {
    const { dependencies } = play({ status: LOOKING, quorumReachable });
    const startedMs = performance.now();
    expect(await submit(dependencies, true, 60_000)).toMatchObject({
      failure: { code, outcome: 'rejected', retryable: true },
    });
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(145);
    expect(tookMs).toBeLessThan(2_000);
  });

  it('gives up at the deadline when that comes first', async () => {
    const { dependencies } = play({ status: LOOKING });
    const startedMs = performance.now();
    expect(await submit(dependencies, true, 40)).toMatchObject({ failure: { code: 'NO_QUORUM' } });
    expect(performance.now() - startedMs).toBeLessThan(140);
  });

  it('goes on as soon as there is a leader', async () => {
    const { dependencies, view } = play({ status: LOOKING, proposals: [{ kind: 'applied', result: RESULT }] });
    const reply = submit(dependencies);
    view.update(LEADING);
    expect(await reply).toMatchObject({ kind: 'result' });
  });

  it('sends a write again whose answer was lost, when it has a write id', async () => {
    const { dependencies, asked } = play({ proposals: [{ kind: 'unknown' }, { kind: 'applied', result: RESULT }] });
    expect(await submit(dependencies, true)).toEqual({ kind: 'result', result: RESULT });
    expect(asked.proposals).toBe(2);
  });

  it('never sends a write again whose answer was lost, when it has no write id', async () => {
    const { dependencies, asked } = play({ proposals: [{ kind: 'unknown' }] });
    expect(await submit(dependencies, false)).toMatchObject({
      failure: { code: 'OUTCOME_UNKNOWN', outcome: 'unknown', retryable: false },
    });
    expect(asked.proposals).toBe(1);
  });

  it.each(['noQuorum', 'overloaded', 'diskFull'] as const)(
    'does not call a write rejected because a later attempt was refused with %s',
    async (reason) => {
      const { dependencies } = play({ proposals: [{ kind: 'unknown' }, refused(reason)] });
      expect(await submit(dependencies, true)).toMatchObject({
        failure: { code: 'OUTCOME_UNKNOWN', outcome: 'unknown', retryable: true },
      });
    },
  );

  it.each([true, false])(
    'says that the outcome is unknown when no answer comes in time (write id: %s)',
    async (hasWriteId) => {
      const { dependencies } = play({ proposals: [undefined] });
      expect(await submit(dependencies, hasWriteId, 30)).toMatchObject({
        failure: { code: 'REQUEST_TIMEOUT', outcome: 'unknown', retryable: hasWriteId },
      });
    },
  );

  it('says that the outcome is unknown when the answer cannot be read', async () => {
    const { dependencies } = play({
      status: FOLLOWING,
      forwards: [{ kind: 'result', result: Uint8Array.of(255, 255) }],
    });
    expect(await submit(dependencies)).toMatchObject({ failure: { code: 'SYSTEM_ERROR', outcome: 'unknown' } });
  });

  it('refuses at once when the server stops, and ends the waits', async () => {
    const waiting = play({ status: LOOKING });
    const reply = submit(waiting.dependencies);
    waiting.view.stop();
    expect(await reply).toMatchObject({ failure: { code: 'SHUTTING_DOWN', outcome: 'rejected', retryable: true } });
    expect(await submit(waiting.dependencies)).toMatchObject({ failure: { code: 'SHUTTING_DOWN' } });
  });

  it('says what it knows when the deadline is told from outside', async () => {
    const { dependencies } = play({ status: LOOKING });
    const request = { operation: new Uint8Array(1), hasWriteId: true, deadlineMs: performance.now() + 60_000 };
    const reply = await new Promise<WriteReply>((resolve) => submitWrite(dependencies, request, resolve)('deadline'));
    expect(reply).toMatchObject({ failure: { outcome: 'rejected', retryable: true } });
  });

  it('says nothing more once it is cancelled', async () => {
    const { dependencies } = play({ proposals: [{ kind: 'applied', result: RESULT }] });
    let called = false;
    const request = { operation: new Uint8Array(1), hasWriteId: true, deadlineMs: performance.now() + 20 };
    submitWrite(dependencies, request, () => {
      called = true;
    })('cancelled');
    await submit(dependencies, true);
    await submit(play({ status: LOOKING }).dependencies, true, 50);
    expect(called).toBe(false);
  });
});
