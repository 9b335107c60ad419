import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The newest lines that the file keeps, and the longest line that it takes, in characters. */
export const HISTORY_LINES_MAX = 1_000;
export const HISTORY_LINE_CHARACTERS_MAX = 4_096;

/** Where the shell keeps the lines that were typed: `ZKL_HISTORY`, or `.zkl_history` in the home folder. */
export function historyPath(environment: NodeJS.ProcessEnv): string {
  return environment.ZKL_HISTORY ?? join(homedir(), '.zkl_history');
}

/** The lines, oldest first. A file that is missing or cannot be read is an empty one: a shell must open without it. */
export async function loadHistory(path: string): Promise<string[]> {
  try {
    const text = await readFile(path, 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .slice(-HISTORY_LINES_MAX);
  } catch {
    return [];
  }
}

/**
 * Adds lines to the file as it is now: another shell may have added its own since. Keeps the newest 1,000. The file is readable by its
 * owner alone, for values stand in it.
 *
 * @returns false when it could not be written; it never throws.
 */
export async function appendHistory(path: string, lines: readonly string[]): Promise<boolean> {
  const added = lines.filter(
    (line) => line !== '' && !line.includes('\n') && line.length <= HISTORY_LINE_CHARACTERS_MAX,
  );
  if (added.length === 0) return true;
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const all = [...(await loadHistory(path)), ...added].slice(-HISTORY_LINES_MAX);
    await writeFile(temporary, `${all.join('\n')}\n`, { mode: 0o600 });
    await chmod(temporary, 0o600);
    await rename(temporary, path);
    return true;
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
    return false;
  }
}
