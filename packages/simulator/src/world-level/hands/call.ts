import { isZklError } from '@zkl/client-sdk';
import type { CallRecord, Effect, Seen } from '../world-checker.js';
import type { WorldClient } from '../world-client.js';

/** What a call came to, when it went well. */
export interface Told {
  readonly zxid: bigint;
  readonly seen?: readonly Seen[];
  readonly effects?: readonly Effect[];
  /** For the history: what the answer said, in the fields of a `HistoryRecord`. */
  readonly answer?: object;
}

/** What a call is. */
export interface Plan {
  readonly what: string;
  readonly lane: string;
  readonly consistency: CallRecord['consistency'];
  readonly values?: readonly string[];
  /** For the history: what was asked, in the fields of a `HistoryRecord`. */
  readonly request: object;
  readonly run: () => Promise<Told>;
}

/** Codes that may come of a call that was rightly made. */
const EXPECTED = new Set([
  'NO_NODE',
  'NODE_EXISTS',
  'BAD_VERSION',
  'NOT_EMPTY',
  'SESSION_EXPIRED',
  'SESSION_MOVED',
  'NO_QUORUM',
  'NO_LEADER',
  'NOT_LEADER',
  'NOT_SYNCED',
  'SHUTTING_DOWN',
  'DISK_FULL',
  'THROTTLED',
  'OUTCOME_UNKNOWN',
  'CONNECTION_LOSS',
  'OPERATION_TIMEOUT',
  'REQUEST_TIMEOUT',
  'TIMEOUT',
  'CANCELLED',
  'ABORTED',
  'CLIENT_CLOSED',
]);

/** Refusals of writes that the cluster has ordered. */
const ORDERED = new Set(['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION', 'NOT_EMPTY']);

/** Makes a call, and notes what came of it. Resolves with whether it went well. */
export async function makeCall(client: WorldClient, plan: Plan): Promise<boolean> {
  const start = client.now;
  const { what, lane, consistency, values = [], request, run } = plan;
  const isWrite = consistency === 'write';
  const asked = { client: client.name, start, ...request, ...(isWrite ? {} : { consistency }) };
  const number = client.nextNumber(lane);
  const isNoted = client.around.history.begin(asked, isWrite);
  const note = (rest: Pick<CallRecord, 'outcome' | 'zxid' | 'code' | 'seen' | 'effects'>): void => {
    const end = client.now;
    const { trace } = client.around;
    trace.add(9, client.party, number * 4 + rest.outcome.length + (rest.zxid ?? 0));
    if (trace.isPrinted) {
      const came =
        rest.outcome === 'done' ? `0x${(rest.zxid ?? 0).toString(16)}` : `${rest.outcome} ${rest.code ?? ''}`;
      client.tell(`${what}: ${came}`);
    }
    client.around.onCall({ client, lane, number, what, start, end, consistency, values, ...rest });
  };
  try {
    const { zxid, seen = [], effects = [], answer = {} } = await run();
    isNoted({ end: client.now, zxid: Number(zxid), ...answer });
    note({ outcome: 'done', zxid: Number(zxid), seen, effects });
    return true;
  } catch (error) {
    if (!isZklError(error) || !EXPECTED.has(error.code)) throw error;
    const { code, outcome } = error;
    const zxid = error.zxid === undefined || error.zxid === 0n ? {} : { zxid: Number(error.zxid) };
    if (outcome !== 'rejected') isNoted({ error: code });
    else if (isWrite)
      isNoted(ORDERED.has(code) ? { end: client.now, refused: code, ...zxid } : { end: client.now, failed: code });
    else if (code === 'NO_NODE') isNoted({ end: client.now, ...zxid });
    note({ outcome, code, seen: [], effects: [] });
    return false;
  }
}
