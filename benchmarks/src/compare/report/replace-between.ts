import { readFile, writeFile } from 'node:fs/promises';

/** Replaces what stands between two marks of a page, which stay; what a person wrote around them stays too. */
export async function replaceBetween(page: string, name: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const before = await readFile(page, 'utf8').catch(() => `${begin}\n${end}\n`);
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${page} has no place for ${name}: it needs the lines ${begin} and ${end}`);
  await writeFile(page, `${before.slice(0, from + begin.length)}\n${text.trim()}\n${before.slice(to)}`);
}
