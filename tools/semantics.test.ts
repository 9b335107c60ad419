import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const DOCUMENT = 'docs/semantics.md';

interface Row {
  readonly what: string;
  readonly file: string;
  readonly name: string;
}

/** The rows that name a test: `| what holds | file: name of the test |`. */
function rows(): Row[] {
  return readFileSync(DOCUMENT, 'utf8')
    .split('\n')
    .map(
      (line) => /^\| (?<what>.*?) +\| (?<file>\S+\.test\.ts): (?<name>.*?) +\|$/.exec(line)?.groups as Row | undefined,
    )
    .filter((row) => row !== undefined);
}

describe('the document of what zkl means', () => {
  it('names a test in every row', () => {
    const lines = readFileSync(DOCUMENT, 'utf8').split('\n');
    const bodies = lines.filter((line) => line.startsWith('| ') && !/^\| (?:what holds|-+)/.test(line));
    expect(rows()).toHaveLength(bodies.length);
    expect(bodies.length).toBeGreaterThan(50);
  });

  it.each(rows())('$what', ({ file, name }) => {
    const source = readFileSync(file, 'utf8').replaceAll("\\'", "'");
    expect(source).toContain(name);
  });
});
