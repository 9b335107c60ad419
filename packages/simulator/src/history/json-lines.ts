import type { Operation } from './operation.js';

/** One operation a line. */
export function formatHistory(history: readonly Operation[]): string {
  return history.map((operation) => `${JSON.stringify(operation)}\n`).join('');
}

const KINDS = new Set(['create', 'set', 'delete', 'get', 'registerWrite', 'registerGuess', 'registerRead']);

/** @throws SyntaxError naming the line that is no operation. Fields beyond those of {@link Operation} are kept, and mean nothing. */
export function parseHistory(text: string): Operation[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, at) => {
    const operation = JSON.parse(line) as Partial<Operation> | null;
    const isWhole =
      typeof operation?.client === 'string' &&
      typeof operation.key === 'string' &&
      typeof operation.start === 'number' &&
      KINDS.has(operation.kind ?? '');
    if (!isWhole) throw new SyntaxError(`line ${at + 1} is no operation of a history`);
    return operation as Operation;
  });
}
