import { describeRecord } from '../describe.js';
import type { HistoryFault } from '../fault.js';
import { isAnswered, isCall, isRead, type HistoryRecord, type SessionRecord } from '../record.js';
import { witnessOf, type Item } from '../replay.js';

/** A session that somebody saw to have ended, though nobody knows where. */
export interface SeenEnd {
  readonly session: number;
  readonly witness: Item;
}

interface Life {
  /** Until when its client claims to have it; infinite when to the end of the history. */
  claimedUntil: number;
  /** When its client said by itself that it was over: it may not use it after that. */
  saidOver: number;
  /** Where the cluster ended it. */
  endedAt: number | undefined;
}

/**
 * A session is over for its client before it is over for the cluster: no answer, and no watch, shows a state at or behind its end while its client, asked,
 * would have said that it lives. And no write of a session stands behind its end, and none is made after its client said that it was over.
 */
export function* checkSessions(
  history: readonly HistoryRecord[],
  seenEnds: readonly SeenEnd[],
): Iterable<HistoryFault> {
  const lives = livesIn(history);
  const evidence = history.flatMap(evidenceOf).sort((a, b) => a.zxid - b.zxid);
  const earliestBehind = suffixMinima(evidence);
  for (const [session, life] of lives) {
    if (life.endedAt === undefined) continue;
    const first = earliestBehind[lowerBound(evidence, life.endedAt)];
    if (first !== undefined && first.at < life.claimedUntil) yield tooEarly(session, first.record);
  }
  for (const { session, witness } of seenEnds) {
    const { record, at } = witnessOf(witness);
    const life = lives.get(session);
    if (life !== undefined && life.endedAt === undefined && at < life.claimedUntil) yield tooEarly(session, record);
  }
  for (const record of history) {
    if (!isCall(record) || record.session === undefined || record.kind === 'sessionOpen') continue;
    const life = lives.get(record.session);
    if (life === undefined || isRead(record) || !isAnswered(record) || record.refused !== undefined) continue;
    const isBehind = life.endedAt !== undefined && record.kind !== 'sessionClose' && (record.zxid ?? 0) > life.endedAt;
    if (isBehind || record.start > life.saidOver)
      yield { property: 'session', message: `a write of a session that is over\n    ${describeRecord(record)}` };
  }
}

function tooEarly(session: number, record: HistoryRecord): HistoryFault {
  const message = `session ${session} had ended in the cluster while its client had it\n    ${describeRecord(record)}`;
  return { property: 'session', message };
}

function livesIn(history: readonly HistoryRecord[]): Map<number, Life> {
  const lives = new Map<number, Life>();
  const lifeOf = (session: number): Life => {
    const life = lives.get(session) ?? { claimedUntil: Infinity, saidOver: Infinity, endedAt: undefined };
    lives.set(session, life);
    return life;
  };
  for (const record of history) {
    if (record.kind === 'session') note(lifeOf(record.session), record);
    else if (isCall(record) && record.kind === 'sessionClose') {
      const life = lives.get(record.session) ?? lifeOf(record.session);
      // Who closes it claims nothing from then on.
      life.claimedUntil = Math.min(life.claimedUntil, record.start);
      if (isAnswered(record) && record.refused === undefined) life.endedAt ??= record.zxid;
    }
  }
  return lives;
}

function note(life: Life, record: SessionRecord): void {
  switch (record.event) {
    case 'ended':
      life.endedAt = record.zxid;
      return;
    case 'expired':
    case 'closed':
      life.claimedUntil = Math.min(life.claimedUntil, record.at);
      life.saidOver = Math.min(life.saidOver, record.at);
      return;
    case 'gone':
      life.claimedUntil = Math.min(life.claimedUntil, record.at);
      return;
    default:
      return;
  }
}

interface Evidence {
  readonly zxid: number;
  readonly at: number;
  readonly record: HistoryRecord;
}

function evidenceOf(record: HistoryRecord): Evidence[] {
  if (isCall(record))
    return isAnswered(record) && record.zxid !== undefined ? [{ zxid: record.zxid, at: record.end!, record }] : [];
  if (record.kind !== 'watch' || record.event === 'opened') return [];
  return [{ zxid: record.zxid, at: record.at, record }];
}

/** At each index the earliest of what stands there or behind it. */
function suffixMinima(evidence: readonly Evidence[]): Evidence[] {
  const minima: Evidence[] = [...evidence];
  for (let at = minima.length - 2; at >= 0; at--) {
    if (minima[at + 1]!.at < minima[at]!.at) minima[at] = minima[at + 1]!;
  }
  return minima;
}

function lowerBound(evidence: readonly Evidence[], zxid: number): number {
  let [low, high] = [0, evidence.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (evidence[middle]!.zxid < zxid) low = middle + 1;
    else high = middle;
  }
  return low;
}
