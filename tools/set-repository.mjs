/**
 * Writes the address of the repository into every public package, before publishing: provenance is refused when it is not that
 * of the workflow. Not kept in the sources, so that a fork can publish under its own name.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const [url] = process.argv.slice(2);
if (!url) throw new Error('usage: node tools/set-repository.mjs <https address of the repository>');

for (const name of readdirSync('packages')) {
  const path = `packages/${name}/package.json`;
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  if (manifest.private) continue;
  manifest.repository = { type: 'git', url: `git+${url}.git`, directory: `packages/${name}` };
  manifest.homepage = `${url}#readme`;
  manifest.bugs = { url: `${url}/issues` };
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
