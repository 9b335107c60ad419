import { formatPlace, type HistoryRecord } from './record.js';

const PLACES: ReadonlySet<string> = new Set(['zxid', 'czxid', 'mzxid', 'session', 'token', 'since', 'atLeast']);

const CHARS_MAX = 2_000;

/** A record on one line, for people: its fields, with places as epoch:counter. */
export function describeRecord(record: HistoryRecord): string {
  const text = JSON.stringify(record, (key, value: unknown) =>
    typeof value === 'number' && PLACES.has(key) ? formatPlace(value) : value,
  );
  return text.length > CHARS_MAX ? `${text.slice(0, CHARS_MAX)}...` : text;
}
