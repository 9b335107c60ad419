/** One word of a line: what it means, and where its raw text begins in the line. */
export interface Word {
  readonly text: string;
  readonly start: number;
}

/** A line taken apart. `open` tells that it ended inside a quotation or behind a lone backslash. */
export interface SplitLine {
  readonly words: readonly Word[];
  readonly open: "'" | '"' | '\\' | undefined;
  /** Whether the line ends with a blank, so that what is typed next begins a new word. */
  readonly endsBetweenWords: boolean;
}

/**
 * Splits a line into words as a POSIX shell does, without its expansions: blanks separate; '...' is literal; in "..." a backslash
 * keeps `"` and `\` and makes `\n`, `\t`; elsewhere a backslash makes the next character literal. `""` is an empty word. A word that
 * begins with `#` begins a comment.
 */
export function splitWords(line: string): SplitLine {
  const words: Word[] = [];
  let position = 0;
  for (;;) {
    while (isBlank(line[position])) position += 1;
    if (position >= line.length || line[position] === '#') return { words, open: undefined, endsBetweenWords: true };
    const word = readWord(line, position);
    words.push({ text: word.text, start: position });
    position = word.end;
    if (position >= line.length) return { words, open: word.open, endsBetweenWords: false };
  }
}

/** Writes a word so that `splitWords` reads it back as it is. */
export function quoteWord(word: string): string {
  if (/^[^\s'"\\#][^\s'"\\]*$/u.test(word)) return word;
  if (!word.includes("'")) return `'${word}'`;
  return `"${word.replace(/["\\]/g, '\\$&')}"`;
}

interface RawWord {
  readonly text: string;
  readonly end: number;
  readonly open: SplitLine['open'];
}

function readWord(line: string, start: number): RawWord {
  let text = '';
  let position = start;
  while (position < line.length && !isBlank(line[position])) {
    const character = line[position] as string;
    if (character === "'" || character === '"') {
      const quoted = character === "'" ? readSingle(line, position + 1) : readDouble(line, position + 1);
      text += quoted.text;
      position = quoted.end;
      if (quoted.open) return { text, end: position, open: quoted.open };
    } else if (character === '\\') {
      if (position + 1 === line.length) return { text, end: line.length, open: '\\' };
      text += line[position + 1];
      position += 2;
    } else {
      text += character;
      position += 1;
    }
  }
  return { text, end: position, open: undefined };
}

function readSingle(line: string, start: number): RawWord {
  const end = line.indexOf("'", start);
  if (end < 0) return { text: line.slice(start), end: line.length, open: "'" };
  return { text: line.slice(start, end), end: end + 1, open: undefined };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

function readDouble(line: string, start: number): RawWord {
  let text = '';
  for (let position = start; position < line.length; position += 1) {
    const character = line[position] as string;
    if (character === '"') return { text, end: position + 1, open: undefined };
    if (character === '\\') {
      const next = line[position + 1] ?? '';
      text += escapes[next] ?? `\\${next}`;
      position += 1;
    } else text += character;
  }
  return { text, end: line.length, open: '"' };
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}
