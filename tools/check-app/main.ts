/**
 * Installs the packed packages into a new application outside of this workspace, as a user's npm would, and uses them there: from an
 * ES module, from CommonJS, with their types, and by their commands. Needs a build, and npm for what the packages depend on.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { tryServer } from './try-server.js';

const execute = promisify(execFile);

interface Packed {
  readonly name: string;
  readonly filename: string;
}

function publicPackages(): string[] {
  return readdirSync('packages').filter((name) => {
    const manifest = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as { private?: boolean };
    return !manifest.private;
  });
}

async function pack(into: string): Promise<Packed[]> {
  const selected = publicPackages().flatMap((name) => ['--workspace', `packages/${name}`]);
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', into, ...selected];
  const { stdout } = await execute('npm', args, { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Packed[];
}

/** What a user would write, but that the versions are the files at hand. */
function writeManifest(app: string, tarballs: string, packed: readonly Packed[]): void {
  const file = join(app, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const dependencies = Object.fromEntries(
    packed.map(({ name, filename }) => [name, `file:${join(tarballs, filename)}`]),
  );
  writeFileSync(file, JSON.stringify({ ...manifest, dependencies }));
}

async function step(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  try {
    await work();
    console.log(`ok    ${what} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  } catch (error) {
    const { stdout = '', stderr = '', message = String(error) } = error as Partial<Record<string, string>>;
    console.error(`FAIL  ${what}\n${[message, stdout, stderr].filter(Boolean).join('\n')}`);
    process.exitCode = 1;
  }
}

const root = mkdtempSync(join(tmpdir(), 'zkl-app-'));
try {
  const tarballs = join(root, 'tarballs');
  const app = join(root, 'app');
  mkdirSync(tarballs);
  cpSync(resolve('tools/check-app/app'), app, { recursive: true });
  writeManifest(app, tarballs, await pack(tarballs));
  const inApp = { cwd: app, timeout: 60_000 };
  await step('npm install', () =>
    execute('npm', ['install', '--no-audit', '--no-fund'], { cwd: app, timeout: 300_000 }),
  );
  await step('an ES module embeds a server', () => execute(process.execPath, ['embed.js'], inApp));
  await step('CommonJS embeds a server', () => execute(process.execPath, ['embed.cjs'], inApp));
  await step('the types hold in both', () =>
    execute(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'], inApp),
  );
  await step('npx zkl-server serves, and stops when asked', () => tryServer(app));
} finally {
  rmSync(root, { recursive: true, force: true });
}
