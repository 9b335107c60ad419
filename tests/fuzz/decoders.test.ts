import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allTargets } from './all-targets.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What only decoders do: read numbers from bytes, take text for JSON or YAML, make messages or texts of bytes; and what they are called. */
const DECODES =
  /\bJSON\.parse\(|\bfromBinary\(|\bfromJson(?:String)?\(|\bparseDocument\(|\.readUInt|\.getUint(?:8|16|32)\(|new (?:ByteReader|Cursor|TextDecoder|BinaryReader)\(|^export (?:async )?function (?:decode|parse|scan)[A-Z]/m;

/** Those that nothing from outside reaches, or that a target reaches in another way, and why. */
const EXEMPT: Readonly<Record<string, string>> = {
  'packages/server/src/bin/inspect-command.ts': 'reads what it has made itself, to print it',
  'packages/server/src/bin/config-command.ts': 'reads what it has made itself, to print it',
  'packages/server/src/observability/pretty-stream.ts': "reads the lines of the process's own logger",
  'packages/server/src/http/framework-errors.ts':
    "reads the body of an error that Connect has made; the doors' target goes through it",
  'packages/cli/src/cluster/server-program.ts': 'reads the manifest of an installed package',
  'packages/cli/src/output/bytes.ts': 'shows data; invalid UTF-8 is shown as such, which its test tries',
  'packages/cli/src/demo/write-load.ts': 'reads what the demo wrote',
  'packages/client-sdk/src/recipes/group.ts': 'TextDecoder, which takes any bytes',
  'packages/client-sdk/src/recipes/counter.ts':
    'TextDecoder, which takes any bytes; a text that is no number is INVALID_VALUE, which its test tries',
  'packages/log-store/src/folder-lock.ts':
    'reads the note of the process that holds the lock, for a message; what is no note is left out',
};

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'gen', 'testing'].includes(entry.name) ? [] : sources(path);
    return /\.ts$/.test(entry.name) && !/\.(?:test|bench)\.ts$|^test-/.test(entry.name) ? [path] : [];
  });
}

/** Published packages: the simulator reads nothing but its own. */
const PACKAGES = ['wire', 'consensus', 'log-store', 'state-machine', 'server', 'client-sdk', 'cli', 'protocol'];
const files = PACKAGES.flatMap((name) => sources(join(ROOT, 'packages', name, 'src'))).map((path) =>
  relative(ROOT, path).split(sep).join('/'),
);
const decoders = files.filter((path) => DECODES.test(readFileSync(join(ROOT, path), 'utf8')));
const covered = new Set(allTargets.flatMap(({ covers }) => covers));

describe('every decoder', () => {
  it('has a fuzz target, or a reason why not', () => {
    expect(decoders.length).toBeGreaterThan(50);
    expect(decoders.filter((path) => !covered.has(path) && !Object.hasOwn(EXEMPT, path))).toEqual([]);
  });

  it('that a target names, or that is exempt, is there', () => {
    expect([...covered, ...Object.keys(EXEMPT)].filter((path) => !files.includes(path))).toEqual([]);
  });

  it('has targets with names of their own', () => {
    expect(new Set(allTargets.map(({ name }) => name)).size).toBe(allTargets.length);
  });
});
