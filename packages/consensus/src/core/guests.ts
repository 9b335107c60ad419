import type { CoreContext } from './core-context.js';
import type { LearnerProgress } from './learner-progress.js';
import { compareZxid, maxZxid, sameZxid, type Zxid } from './zxid.js';

/**
 * Fresh servers in a cluster that has a history, and damaged ones: synchronised and served, but counted for nothing until they are admitted, by a second
 * NEWLEADER, once the others alone have committed a block that was proposed after they came.
 *
 * 1. Server 2 promises epoch 2, to itself or another, and loses its disk. 2. It comes back, and the leader of epoch 1 is still there. 3. Were it to count
 * there at once, epoch 1 could commit behind the back of epoch 2, which rests on that promise (simulation, seed 10239; story
 * guest-does-not-help-an-old-leader). A quorum of others that acknowledges a later block has not promised epoch 2; and whoever of them
 * does so afterwards has a better history than the one who asks, which then steps down.
 */
export class Guests {
  readonly #ctx: CoreContext;

  constructor(ctx: CoreContext) {
    this.#ctx = ctx;
  }

  receive(learner: LearnerProgress): void {
    learner.guest = true;
    learner.guestSince = this.#ctx.last;
  }

  onAckNewLeader(learner: LearnerProgress, zxid: Zxid): void {
    if (learner.admission !== undefined && sameZxid(zxid, learner.admission)) learner.guest = false;
  }

  /** Admits whom it may. True when a guest waits and nobody has written since it came: then the leader proposes an empty block. */
  admit(learners: Iterable<LearnerProgress>, epoch: number): boolean {
    const { last } = this.#ctx;
    let needsBlock = false;
    for (const learner of learners) {
      if (!learner.guest || !learner.synced || learner.admission !== undefined) continue;
      // Later than the first NEWLEADER too, so that the two acks cannot be taken for one another.
      const since = maxZxid(learner.guestSince, learner.syncTarget!);
      if (last.epoch !== epoch || compareZxid(last, since) <= 0) needsBlock = true;
      else this.#admitIfCommitted(learner, epoch, since);
    }
    return needsBlock;
  }

  #admitIfCommitted(learner: LearnerProgress, epoch: number, since: Zxid): void {
    const { committed, outbox } = this.#ctx;
    if (committed.epoch !== epoch || compareZxid(committed, since) <= 0) return;
    if (compareZxid(learner.sent, committed) < 0) return;
    learner.admission = committed;
    outbox.send(learner.id, { kind: 'newLeader', attempt: learner.attempt, epoch, zxid: committed });
  }
}
