/**
 * Packs every public package as `npm publish` would, then looks at the packed files: publint, "are the types wrong", and an
 * import and a require of every entry. Needs a build; needs no network.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { formatMessage } from 'publint/utils';
import { publint } from 'publint';

const execute = promisify(execFile);

// Inside the repository, so that what the packages depend on is found in its node_modules.
const folder = resolve('reports/pack');
const modules = join(folder, 'node_modules');

type Packed = {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
};
type Manifest = {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
};

function publicPackages(): string[] {
  return readdirSync('packages').filter((name) => {
    const manifest = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as Manifest;
    return !manifest.private;
  });
}

function pack(names: readonly string[]): Packed[] {
  const selected = names.flatMap((name) => ['--workspace', `packages/${name}`]);
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder, ...selected];
  const output = execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(output) as Packed[];
}

function unpack(packed: Packed): Manifest {
  const target = join(modules, packed.name);
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '-C', target, '--strip-components=1']);
  return JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as Manifest;
}

/** The entries that are code, as a user names them. */
function entriesOf({ name, exports = {} }: Manifest): string[] {
  return Object.keys(exports)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => name + subpath.slice(1));
}

async function lint(packed: Packed): Promise<string[]> {
  const bytes = readFileSync(join(folder, packed.filename));
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ strict: true, pack: { tarball } });
  return messages.flatMap((message) => formatMessage(message, pkg, { color: false }) ?? []);
}

async function tryCommand(command: string, args: readonly string[], what: string): Promise<string[]> {
  try {
    await execute(command, [...args], { cwd: folder });
    return [];
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return [`${what}: ${(stdout + stderr).trim() || String(error)}`];
  }
}

async function check(packed: Packed, manifest: Manifest): Promise<string[]> {
  const entries = entriesOf(manifest);
  const files = new Set(packed.files.map(({ path }) => path));
  const problems = Object.values(manifest.bin ?? {})
    .filter((path) => !files.has(path))
    .map((path) => `${path}, a command, is not in the package: build first`);
  problems.push(...(await lint(packed)));
  if (entries.length > 0) {
    // node16: the resolution of before `exports` knows no subpaths.
    problems.push(...(await tryCommand('attw', [packed.filename, '--profile=node16', '--no-color'], 'types')));
  }
  for (const entry of entries) {
    const imported = `await import(${JSON.stringify(entry)})`;
    problems.push(...(await tryCommand(process.execPath, ['--input-type=module', '-e', imported], `import ${entry}`)));
    // The suites run under vitest, which cannot be required.
    if (entry.endsWith('/testing')) continue;
    const required = `require(${JSON.stringify(entry)})`;
    problems.push(
      ...(await tryCommand(process.execPath, ['--input-type=commonjs', '-e', required], `require ${entry}`)),
    );
  }
  return problems;
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const unpacked = pack(publicPackages()).map((packed) => ({ packed, manifest: unpack(packed) }));
for (const { packed, manifest } of unpacked) {
  const problems = await check(packed, manifest);
  console.log(`${packed.name}: ${problems.length === 0 ? `${packed.files.length} files, clean` : 'not clean'}`);
  for (const problem of problems) console.error(`  ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
