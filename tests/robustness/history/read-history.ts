import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { FinalChild, History, Operation } from './operation.js';

const KINDS: ReadonlySet<string> = new Set(['append', 'set', 'get', 'guess', 'child'] satisfies (
  Operation | FinalChild
)['kind'][]);

/**
 * Reads a history that a HistoryRecorder wrote.
 *
 * @throws Error that names the line that is none of a history.
 */
export async function readHistory(path: string): Promise<History> {
  const operations: Operation[] = [];
  const children: FinalChild[] = [];
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const parsed = parseLine(line);
    if (parsed === undefined) throw new Error(`${path}:${number} is no line of a history`);
    if (parsed.kind === 'child') children.push(parsed);
    else operations.push(parsed);
  }
  return { operations, children };
}

function parseLine(line: string): Operation | FinalChild | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
    return typeof value.kind === 'string' && KINDS.has(value.kind) ? (value as Operation | FinalChild) : undefined;
  } catch {
    return undefined;
  }
}
