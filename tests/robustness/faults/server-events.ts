import { readFile } from 'node:fs/promises';

/** The names of the events in a server's log, in order, all its runs together. */
export async function eventsOf(logFile: string): Promise<string[]> {
  const lines = (await readFile(logFile, 'utf8')).split('\n');
  return lines.flatMap((line) => {
    try {
      const { event } = JSON.parse(line) as { event?: unknown };
      return typeof event === 'string' ? [event] : [];
    } catch {
      // What the engine itself says at a process's end is no JSON.
      return [];
    }
  });
}

/** How often an event stands in a server's log. */
export async function countEvents(logFile: string, name: string): Promise<number> {
  return (await eventsOf(logFile)).filter((event) => event === name).length;
}
