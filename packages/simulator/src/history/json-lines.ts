import { isRead, isWrite, type HistoryRecord } from './record.js';

/** One record a line. */
export function formatHistory(history: readonly HistoryRecord[]): string {
  return history.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** @throws SyntaxError naming the line that is no record. Fields beyond those of {@link HistoryRecord} are kept, and mean nothing. */
export function parseHistory(text: string): HistoryRecord[] {
  return text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [parseRecord(line, at + 1)]));
}

/**
 * Reads one line: for histories that are too large for one string.
 *
 * @throws SyntaxError naming the line that is no record.
 */
export function parseRecord(line: string, number: number): HistoryRecord {
  const record = parse(line);
  if (!isWhole(record)) throw new SyntaxError(`line ${number} is no record of a history`);
  return record;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isWhole(value: unknown): value is HistoryRecord {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Fields;
  const record = value as HistoryRecord;
  if (fields.kind === 'digest') return isNumber(fields.server) && isNumber(fields.zxid) && isText(fields.digest);
  if (!isText(fields.client)) return false;
  switch (record.kind) {
    case 'watch':
      return isNumber(fields.at) && isWholeWatch(fields);
    case 'session':
      return isNumber(fields.at) && isNumber(fields.session) && isText(fields.event);
    case 'hold':
      return isText(fields.lock) && isNumber(fields.token) && isNumber(fields.acquired);
    default:
      return (isWrite(record) || isRead(record)) && isNumber(fields.start) && hasSubject(fields);
  }
}

function isWholeWatch(fields: Fields): boolean {
  if (!isText(fields.watch) && !isNumber(fields.watch)) return false;
  switch (fields.event) {
    case 'opened':
      return isText(fields.path) && isText(fields.scope) && isNumber(fields.since);
    case 'batch':
      return isNumber(fields.zxid) && Array.isArray(fields.events);
    case 'reset':
      return isNumber(fields.zxid) && Array.isArray(fields.nodes);
    default:
      return fields.event === 'progress' && isNumber(fields.zxid);
  }
}

/** What a call is about. */
function hasSubject(fields: Fields): boolean {
  switch (fields.kind) {
    case 'transaction':
      return Array.isArray(fields.then);
    case 'multiRead':
      return Array.isArray(fields.reads);
    case 'sessionClose':
      return isNumber(fields.session);
    case 'sync':
    case 'sessionOpen':
    case 'registerRead':
      return true;
    case 'registerWrite':
    case 'registerGuess':
      return isText(fields.value);
    default:
      return isText(fields.path);
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}
