/** `npm run tidy`: what neither compiler nor linter looks at. */
import { dependenciesOutsideLayers, escapingImports, undeclaredImports } from './import-rules.js';
import { missingOptionalDependencies, resolvedAddresses, type Lock } from './lock-rules.js';
import { findWorkspaces, readRepository, type Finding } from './repository.js';
import { textRules } from './text-rules.js';

const files = readRepository(process.cwd());
const workspaces = findWorkspaces(files);
const lockFile = files.find(({ path }) => path === 'package-lock.json');
const lock = lockFile ? (JSON.parse(lockFile.text) as Lock) : { packages: {} };

const findings: Finding[] = [
  ...files.flatMap((file) => [
    ...textRules.flatMap((rule) => rule(file)),
    ...undeclaredImports(file, workspaces),
    ...escapingImports(file, workspaces),
  ]),
  ...dependenciesOutsideLayers(workspaces),
  ...missingOptionalDependencies(lock),
  ...resolvedAddresses(lock),
];

for (const { path, line, message } of findings) console.error(`${path}${line ? `:${line}` : ''}: ${message}`);
if (files.length === 0 || !lockFile) {
  console.error('tidy found no files: run it at the root of the repository');
  process.exitCode = 1;
} else if (findings.length > 0) {
  process.exitCode = 1;
} else {
  console.log(`${files.length} files are tidy.`);
}
