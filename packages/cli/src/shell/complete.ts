import type { Client } from '@zkl/client-sdk';
import type { CommandSpec } from '../commands/command.js';
import { quoteWord, splitWords, type Word } from './split-words.js';

/** Names that are offered at most, and how long the cluster is asked for them: a Tab must not hang. */
const NAMES_MAX = 200;
const ASK_TIMEOUT_MS = 1_000;

/** What readline is told: the candidates, and the end of the line that they replace. */
export type Completion = [candidates: string[], replaced: string];

/**
 * Completes the last word of a line: names of commands from the table, options of the command, and what its first argument names, as
 * the cluster has it at present. A cluster that does not answer has nothing to offer.
 */
export async function complete(
  table: readonly CommandSpec[],
  line: string,
  client: () => Promise<Client>,
): Promise<Completion> {
  const { words, endsBetweenWords } = splitWords(line);
  const current: Word = (endsBetweenWords ? undefined : words.at(-1)) ?? { text: '', start: line.length };
  const before = endsBetweenWords ? words : words.slice(0, -1);
  const replaced = line.slice(current.start);
  const candidates = await candidatesFor(
    table,
    before.map(({ text }) => text),
    current.text,
    client,
  );
  return [candidates, replaced];
}

async function candidatesFor(
  table: readonly CommandSpec[],
  before: readonly string[],
  prefix: string,
  client: () => Promise<Client>,
): Promise<string[]> {
  const named = table.filter(({ name }) => name === before.slice(0, name.split(' ').length).join(' '));
  // `quota set` is a command of its own, beside `quota`.
  const spec = named.toSorted((a, b) => b.name.length - a.name.length)[0];
  if (!spec) return nextWords(table, before, prefix);
  const argument = before.slice(spec.name.split(' ').length);
  if (prefix.startsWith('-')) {
    const flags = ['--json', ...(spec.options ?? []).flatMap((option) => /--[\w-]+/.exec(option.flags) ?? [])];
    return flags.filter((flag) => flag.startsWith(prefix)).map((flag) => `${flag} `);
  }
  if (spec.completes === 'command') return nextWords(table, argument, prefix);
  if (argument.length > 0) return [];
  const longer = nextWords(table, before, prefix);
  if (spec.completes === 'path') return [...longer, ...(await pathsWith(prefix, client))];
  return spec.completes === 'server' ? serversWith(prefix, client) : longer;
}

/** The words that can follow in the names of commands. */
function nextWords(table: readonly CommandSpec[], before: readonly string[], prefix: string): string[] {
  const next = table
    .map(({ name }) => name.split(' '))
    .filter((words) => before.every((word, index) => words[index] === word))
    .flatMap((words) => words[before.length] ?? []);
  return [...new Set(next)].filter((word) => word.startsWith(prefix)).map((word) => `${word} `);
}

async function pathsWith(prefix: string, client: () => Promise<Client>): Promise<string[]> {
  if (prefix === '') return ['/'];
  const slash = prefix.lastIndexOf('/');
  if (slash < 0) return [];
  const parent = slash === 0 ? '/' : prefix.slice(0, slash);
  const start = prefix.slice(slash + 1);
  const options = { consistency: 'local', timeoutMs: ASK_TIMEOUT_MS } as const;
  const found = await ask(client, async (connected) => {
    // In the order of names, those that begin with the prefix follow right behind the name that is the prefix itself.
    const page = { ...options, pageSize: NAMES_MAX, startAfter: start === '' ? undefined : start, withStat: true };
    const [itself, behind] = await Promise.all([
      start === '' ? undefined : connected.exists(prefix, options),
      connected.listChildren(parent, page),
    ]);
    return [...(itself ? [{ name: start, path: prefix, stat: itself }] : []), ...behind.children];
  });
  return (found ?? [])
    .filter(({ name }) => name.startsWith(start))
    .map(({ path, stat }) => `${quoteWord(path)}${(stat?.numChildren ?? 0) > 0 ? '/' : ' '}`);
}

async function serversWith(prefix: string, client: () => Promise<Client>): Promise<string[]> {
  const members = await ask(
    client,
    async (connected) => (await connected.cluster.members({ timeoutMs: ASK_TIMEOUT_MS })).members,
  );
  const ids = (members ?? []).map(({ serverId }) => String(serverId));
  return ids.filter((id) => id.startsWith(prefix)).map((id) => `${id} `);
}

async function ask<T>(client: () => Promise<Client>, question: (client: Client) => Promise<T>): Promise<T | undefined> {
  try {
    return await question(await client());
  } catch {
    return undefined;
  }
}
