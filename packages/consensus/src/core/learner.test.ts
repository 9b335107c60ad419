import { expect, it } from 'vitest';
import { CoreContext } from './core-context.js';
import { Learner } from './learner.js';
import type { Zxid } from './zxid.js';

const of = (epoch: number, counter: number): Zxid => ({ epoch, counter });

/** A server that led epoch 7, whose last writes nobody else has. */
function deposed(): CoreContext {
  const options = {
    id: 2,
    voters: [1, 2, 3],
    ticks: { heartbeat: 1, election: 8, sync: 32, settle: 2, resendMin: 1, resendMax: 8 },
    random: () => 0,
    windowBytes: 1_000,
    inflightBytes: 1_000,
    appendBytes: 1_000,
    emptyFolderVotes: 'auto',
    plantedBugs: new Set<string>(),
  } as const;
  return new CoreContext(options, {
    acceptedEpoch: 7,
    currentEpoch: 7,
    lastZxid: of(7, 120),
    committed: of(7, 90),
    damaged: false,
  });
}

it('passes over a TRUNC that a snapshot of the same attempt has overtaken (simulation, seed 9027933)', () => {
  const ctx = deposed();
  const learner = new Learner(ctx, 1);
  const { attempt } = learner;
  learner.onMessage(1, { kind: 'leaderInfo', attempt, epoch: 8 });
  ctx.resetTo(of(8, 10));
  learner.onSnapshotInstalled(attempt);

  learner.onMessage(1, { kind: 'sync', attempt, mode: 'trunc', zxid: of(7, 100) });
  expect(ctx.transition).toBeUndefined();
  expect(ctx.last).toEqual(of(8, 10));

  learner.onMessage(1, { kind: 'sync', attempt, mode: 'snap', zxid: of(8, 10) });
  learner.onMessage(1, { kind: 'newLeader', attempt, epoch: 8, zxid: of(8, 10) });
  expect(ctx.transition).toBeUndefined();
  expect(ctx.currentEpoch).toBe(8);
});

it('cuts its log where a TRUNC says that the leader has another', () => {
  const ctx = deposed();
  const learner = new Learner(ctx, 1);
  const { attempt } = learner;
  learner.onMessage(1, { kind: 'leaderInfo', attempt, epoch: 8 });
  learner.onMessage(1, { kind: 'sync', attempt, mode: 'trunc', zxid: of(7, 100) });
  expect(ctx.transition).toBeUndefined();
  expect(ctx.last).toEqual(of(7, 100));
});
