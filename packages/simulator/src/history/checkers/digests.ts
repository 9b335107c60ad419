import type { HistoryFault } from '../fault.js';
import { formatPlace, type DigestRecord, type HistoryRecord } from '../record.js';

/** The digest of the state at a zxid is the same on all servers. */
export function* checkDigests(history: readonly HistoryRecord[]): Iterable<HistoryFault> {
  const digests = new Map<number, DigestRecord>();
  for (const record of history) {
    if (record.kind !== 'digest') continue;
    const other = digests.get(record.zxid);
    if (other === undefined) digests.set(record.zxid, record);
    else if (other.digest !== record.digest) {
      const servers = `server ${other.server} has ${other.digest}, server ${record.server} has ${record.digest}`;
      yield { property: 'digest', message: `at ${formatPlace(record.zxid)} ${servers}` };
    }
  }
}
