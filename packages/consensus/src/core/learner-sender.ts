import { endOf } from './block.js';
import type { CoreContext } from './core-context.js';
import type { HistoryResult } from './core-io.js';
import type { LearnerProgress } from './learner-progress.js';
import { compareZxid, minZxid, sameZxid, type Zxid } from './zxid.js';

/**
 * The one path on which history reaches a learner, in synchronisation and in broadcast alike: blocks in an unbroken chain from where the
 * histories part, out of memory, else from disk, else after a snapshot. Because the same cursor serves both phases, nothing can fall between them
 * (TLA+ issue 1: a proposal that was sent only to those who had acknowledged NEWLEADER).
 */
export class LearnerSender {
  readonly #ctx: CoreContext;

  constructor(ctx: CoreContext) {
    this.#ctx = ctx;
  }

  /** Fixes what NEWLEADER will cover and finds where the histories part: DIFF, TRUNC or, when the log no longer reaches back, SNAP. */
  begin(learner: LearnerProgress): void {
    learner.syncTarget = this.#ctx.last;
    const { lastZxid } = learner;
    if (compareZxid(lastZxid, this.#ctx.last) > 0) return this.#sync(learner, 'trunc', this.#ctx.last);
    this.#locate(learner, lastZxid, this.#ctx.window.read(lastZxid, this.#ctx.options.appendBytes));
  }

  onHistory(learner: LearnerProgress, result: HistoryResult): void {
    learner.stage = 'sending';
    if (learner.syncSent) {
      if (result.kind === 'blocks') this.#append(learner, result.blocks);
      // What it was being sent was purged meanwhile.
      else this.#askSnapshot(learner);
      return;
    }
    this.#locate(learner, learner.lastZxid, result, true);
  }

  onSnapshotSent(learner: LearnerProgress, zxid: Zxid): void {
    this.#sync(learner, 'snap', zxid);
  }

  /** Sends what follows on what was sent, as far as the learner keeps up; NEWLEADER as soon as all that it covers was sent. */
  pump(learner: LearnerProgress): void {
    while (learner.stage === 'sending' && learner.inflightBytes < this.#ctx.options.inflightBytes) {
      this.#sendNewLeader(learner);
      if (sameZxid(learner.sent, this.#ctx.last)) return;
      const next = this.#ctx.window.read(learner.sent, this.#ctx.options.appendBytes);
      if (next.kind === 'blocks') this.#append(learner, next.blocks);
      else this.#askHistory(learner, learner.sent);
    }
  }

  /** Tells learners what is committed, where no Append of this turn has. */
  sendCommits(learners: Iterable<LearnerProgress>): void {
    for (const learner of learners) {
      if (!learner.synced) continue;
      const committed = minZxid(this.#ctx.committed, learner.sent);
      if (compareZxid(committed, learner.committedSent) <= 0) continue;
      learner.committedSent = committed;
      this.#ctx.outbox.send(learner.id, { kind: 'commit', attempt: learner.attempt, committed });
    }
  }

  #locate(learner: LearnerProgress, last: Zxid, found: HistoryResult, fromDisk = false): void {
    if (found.kind === 'blocks') {
      this.#sync(learner, 'diff', last);
      if (fromDisk && found.blocks.length > 0) this.#append(learner, found.blocks);
    } else if (found.kind === 'diverged') {
      this.#sync(learner, 'trunc', found.at);
    } else if (fromDisk) {
      this.#askSnapshot(learner);
    } else {
      this.#askHistory(learner, last);
    }
  }

  #sync(learner: LearnerProgress, mode: 'diff' | 'trunc' | 'snap', zxid: Zxid): void {
    learner.stage = 'sending';
    learner.sent = zxid;
    learner.syncSent = true;
    this.#ctx.outbox.send(learner.id, { kind: 'sync', attempt: learner.attempt, mode, zxid });
  }

  #append(learner: LearnerProgress, blocks: Parameters<LearnerProgress['onSent']>[0]): void {
    if (blocks.length === 0) return;
    learner.onSent(blocks);
    const committed = minZxid(this.#ctx.committed, endOf(blocks[blocks.length - 1]!));
    learner.committedSent = committed;
    this.#ctx.outbox.send(learner.id, { kind: 'append', attempt: learner.attempt, blocks, committed });
  }

  #sendNewLeader(learner: LearnerProgress): void {
    if (learner.newLeaderSent || compareZxid(learner.sent, learner.syncTarget!) < 0) return;
    learner.newLeaderSent = true;
    const { attempt, syncTarget } = learner;
    const epoch = this.#ctx.currentEpoch;
    this.#ctx.outbox.send(learner.id, { kind: 'newLeader', attempt, epoch, zxid: syncTarget! });
  }

  #askHistory(learner: LearnerProgress, after: Zxid): void {
    learner.stage = 'history';
    const { id: to, attempt } = learner;
    this.#ctx.outbox.readHistory.push({ to, attempt, after, maxBytes: this.#ctx.options.appendBytes });
  }

  #askSnapshot(learner: LearnerProgress): void {
    learner.stage = 'snapshot';
    learner.syncSent = false;
    this.#ctx.outbox.sendSnapshot.push({ to: learner.id, attempt: learner.attempt });
  }
}
