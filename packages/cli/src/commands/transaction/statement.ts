import { UsageError } from '../../output/explain-error.js';

/** The options of a statement: each one's name as it is typed, and whether a value follows it. */
export type StatementOptions = Readonly<Record<string, { readonly takesValue: boolean }>>;

/** One statement of a transaction's text, taken apart. */
export interface Statement {
  /** What it was, for messages. */
  readonly text: string;
  readonly keyword: string;
  readonly args: readonly string[];
  /** By the long name, without its dashes; `true` for those that take no value. */
  readonly options: Readonly<Record<string, string | true>>;
}

const shortNames: Readonly<Record<string, string>> = {
  '-e': '--ephemeral',
  '-s': '--sequential',
  '-c': '--container',
  '-R': '--recursive',
};

/**
 * Takes the words of a statement apart. Only what the statement knows is an option, and what begins with two dashes and is not known is
 * an error: so `-5` and `-x` are data. Behind `--` everything is an argument.
 *
 * @throws UsageError for an unknown option, a value that is missing, and too few or too many arguments.
 */
export function readStatement(
  words: readonly string[],
  known: StatementOptions,
  { min, max, usage }: { readonly min: number; readonly max: number; readonly usage: string },
): Statement {
  const [keyword = '', ...rest] = words;
  const text = words.join(' ');
  const args: string[] = [];
  const options: Record<string, string | true> = {};
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? '';
    if (word === '--') {
      args.push(...rest.slice(index + 1));
      break;
    }
    const name = shortNames[word] ?? word;
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option) {
      const value = option.takesValue ? rest[(index += 1)] : true;
      if (value === undefined) throw new UsageError(`${name} needs a value: ${text}`, usage);
      options[name.slice(2)] = value;
    } else if (word.startsWith('--')) {
      throw new UsageError(`\`${keyword}\` of a transaction has no option ${word}: ${text}`, usage);
    } else args.push(word);
  }
  if (args.length < min || args.length > max)
    throw new UsageError(`too ${args.length < min ? 'few' : 'many'} words: ${text}`, usage);
  return { text, keyword, args, options };
}
