import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Says what goes on. */
export type Say = (line: string) => void;

/** Packages of Debian that start nothing when they are installed. */
export type Package = 'libzookeeper-java' | 'default-jdk-headless' | 'golang-go' | 'golang-google-grpc-dev';

const INSTALL_TIMEOUT_MS = 600_000;

/** Where a program is on this machine; undefined when it is not. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Why packages cannot be installed here; undefined when they can. */
export function whyNoPackages(): string | undefined {
  if (findProgram('apt-get') === undefined) return 'this machine has no apt-get';
  if (process.getuid?.() === 0) return undefined;
  if (run('sudo', ['-n', 'true']).ok) return undefined;
  return 'installing packages needs root, or sudo without a password';
}

/** Installs packages, without those that they only recommend. @throws Error with what the installer said last. */
export function installPackages(packages: readonly Package[], say: Say): void {
  say(`installing ${packages.join(', ')}`);
  asRoot(['apt-get', 'update', '-q']);
  asRoot(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages]);
}

/**
 * Unpacks a package into a folder of ours: for one that would start a service, and so take ports and disk, when it is installed.
 *
 * @throws Error with what failed.
 */
export async function unpackPackage(name: string, folder: string, say: Say): Promise<void> {
  say(`unpacking ${name} into ${folder}`);
  await mkdir(folder, { recursive: true });
  asRoot(['apt-get', 'update', '-q']);
  const download = run('apt-get', ['download', '-q', name], folder);
  if (!download.ok) throw new Error(`apt-get download ${name}: ${download.words}`);
  const archive = (await readdir(folder)).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'));
  const unpack = run('dpkg', ['-x', archive ?? '', '.'], folder);
  if (!unpack.ok) throw new Error(`dpkg -x ${archive}: ${unpack.words}`);
}

/** A command, and what it said last. */
export function run(
  command: string,
  args: readonly string[],
  cwd?: string,
  environment: Readonly<Record<string, string>> = {},
): { readonly ok: boolean; readonly words: string } {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', ...environment };
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS });
  const words = `${result.stdout ?? ''}\n${result.stderr ?? ''}`.trim().split('\n').slice(-8).join('\n');
  return { ok: result.status === 0, words: result.error ? result.error.message : words };
}

function asRoot(words: readonly string[]): void {
  const line = process.getuid?.() === 0 ? words : ['sudo', '-n', ...words];
  const result = run(line[0] ?? '', line.slice(1));
  if (!result.ok) throw new Error(`${words.join(' ')}: ${result.words}`);
}
