import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseHistory, type HistoryRecord } from '@zkl/simulator/history';

/**
 * Reads a history that a HistoryRecorder wrote.
 *
 * @throws SyntaxError that names the line that is none of a history.
 */
export async function readHistory(path: string): Promise<HistoryRecord[]> {
  const records: HistoryRecord[] = [];
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) records.push(...parseHistory(line));
  return records;
}
