/** Regenerates the protocol's code into a temporary folder and fails when it differs from what is committed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const generated = 'packages/protocol/src/gen';

function readTree(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

function differences(committed: Map<string, string>, fresh: Map<string, string>): string[] {
  const names = new Set([...committed.keys(), ...fresh.keys()]);
  return [...names].filter((name) => committed.get(name) !== fresh.get(name)).sort();
}

const folder = mkdtempSync(join(tmpdir(), 'zkl-generated-'));
try {
  execFileSync('buf', ['generate', '--output', folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  const changed = differences(readTree(generated), readTree(join(folder, generated)));
  if (changed.length > 0) {
    console.error(`The generated code is not what the proto files give: ${changed.join(', ')}. Run: npm run generate`);
    process.exitCode = 1;
  } else {
    console.log('The generated code is up to date.');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
