import type { Block } from './block.js';
import { endOf, weightOf } from './block.js';
import type { Standing } from './messages.js';
import type { ServerId } from './server-id.js';
import { compareZxid, ZXID_ZERO, type Zxid } from './zxid.js';

/**
 * What a leader knows of one learner's attempt.
 * - `info`: it said that it follows. `promised`: it acknowledged the epoch. `sending`: history and broadcast flow, one and the same stream.
 * - `history` and `snapshot`: the same, while the next part is being fetched from disk.
 */
export class LearnerProgress {
  readonly id: ServerId;
  readonly attempt: number;
  readonly standing: Standing;
  readonly acceptedEpoch: number;
  stage: 'info' | 'promised' | 'sending' | 'history' | 'snapshot' = 'info';
  /** Where its log ended when it promised. */
  lastZxid: Zxid = ZXID_ZERO;
  /** Everything up to here was sent. */
  sent: Zxid = ZXID_ZERO;
  /** Everything up to here is durable there. */
  durable: Zxid = ZXID_ZERO;
  /** Where the history that it needs for NEWLEADER ends: fixed in the step that begins to send. */
  syncTarget: Zxid | undefined;
  /** It was told where the histories part. */
  syncSent = false;
  /** Its promise was new: one that was made before, perhaps to another leader, counts for no quorum. */
  promiseCounts = false;
  newLeaderSent = false;
  /** It acknowledged NEWLEADER: it is served, and counts for commits unless it is a guest. */
  synced = false;
  /** It came without its memory into a cluster that has a history: it counts for nothing until it is admitted (see `Leader`). */
  guest = false;
  /** Where the leader's log ended when the guest came. */
  guestSince: Zxid = ZXID_ZERO;
  /** The zxid of the second NEWLEADER, which admits a guest. */
  admission: Zxid | undefined;
  committedSent: Zxid = ZXID_ZERO;
  lastHeard: number;
  /** The newest read barrier that it answered. */
  barrier = 0;
  readonly #inflight: { end: Zxid; bytes: number }[] = [];
  #inflightBytes = 0;

  constructor(id: ServerId, attempt: number, standing: Standing, acceptedEpoch: number, now: number) {
    this.id = id;
    this.attempt = attempt;
    this.standing = standing;
    this.acceptedEpoch = acceptedEpoch;
    this.lastHeard = now;
  }

  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  onSent(blocks: readonly Block[]): void {
    let bytes = 0;
    for (const block of blocks) bytes += weightOf(block);
    this.sent = endOf(blocks[blocks.length - 1]!);
    this.#inflight.push({ end: this.sent, bytes });
    this.#inflightBytes += bytes;
  }

  onDurable(zxid: Zxid): void {
    if (compareZxid(zxid, this.durable) <= 0) return;
    this.durable = zxid;
    let done = 0;
    while (done < this.#inflight.length && compareZxid(this.#inflight[done]!.end, zxid) <= 0) {
      this.#inflightBytes -= this.#inflight[done]!.bytes;
      done++;
    }
    if (done > 0) this.#inflight.splice(0, done);
  }
}
