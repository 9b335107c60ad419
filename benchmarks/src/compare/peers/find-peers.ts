import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JavaHome } from '../systems/zookeeper.js';
import type { Launch } from '../systems/system.js';
import { findProgram, installPackages, run, unpackPackage, whyNoPackages, type Package, type Say } from './packages.js';

/** What is there to compare with; undefined what is not. */
export interface Peers {
  readonly etcd: { readonly server: string; readonly version: string } | undefined;
  readonly zookeeper: (JavaHome & { readonly load: Launch; readonly version: string }) | undefined;
  /** The generator on grpc-go, for etcd and for zkl. */
  readonly grpcLoad: Launch | undefined;
}

const FOREIGN = fileURLToPath(new URL('../../../foreign/', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/peers/', import.meta.url));
const ZOOKEEPER_JAR = '/usr/share/java/zookeeper.jar';
const NO_LOGGER_JAR = '/usr/share/java/slf4j-nop.jar';
const GO_SOURCES = '/usr/share/gocode';
const GRPC_GO = join(GO_SOURCES, 'src/google.golang.org/grpc');

/**
 * Finds the peers and what their generators are built with, and installs from Debian's packages what is missing. What cannot be had is said, and
 * left out.
 */
export async function findPeers(say: Say, options: { readonly install: boolean }): Promise<Peers> {
  const missing = missingPackages();
  const reason = options.install ? whyNoPackages() : 'it was told not to install anything';
  const mayInstall = reason === undefined;
  if (missing.length > 0) attempt(say, mayInstall, reason, missing.join(', '), () => installPackages(missing, say));
  let etcd = findEtcd();
  if (etcd === undefined) {
    if (mayInstall)
      await unpackPackage('etcd-server', join(CACHE, 'etcd'), say).catch((error: Error) => say(error.message));
    else say(`etcd-server is missing, and ${reason}`);
    etcd = findEtcd();
  }
  const grpcLoad = await buildGrpcLoad(say);
  const zookeeper = await buildZooKeeperLoad(say);
  if (etcd === undefined || grpcLoad === undefined) say('etcd is left out');
  if (zookeeper === undefined) say('ZooKeeper is left out');
  const version = etcd === undefined ? '' : (/etcd Version: (\S+)/.exec(run(etcd, ['--version']).words)?.[1] ?? '');
  return {
    etcd: etcd === undefined || grpcLoad === undefined ? undefined : { server: etcd, version },
    zookeeper,
    grpcLoad,
  };
}

function missingPackages(): Package[] {
  const missing: Package[] = [];
  if (!existsSync(ZOOKEEPER_JAR)) missing.push('libzookeeper-java');
  if (findProgram('java') === undefined || findProgram('javac') === undefined) missing.push('default-jdk-headless');
  if (findProgram('go') === undefined) missing.push('golang-go');
  if (!existsSync(GRPC_GO)) missing.push('golang-google-grpc-dev');
  return missing;
}

function attempt(say: Say, may: boolean, reason: string | undefined, what: string, install: () => void): void {
  if (!may) return say(`missing: ${what}; ${reason}`);
  try {
    install();
  } catch (error) {
    say((error as Error).message);
  }
}

function findEtcd(): string | undefined {
  const unpacked = join(CACHE, 'etcd', 'usr', 'bin', 'etcd');
  return findProgram('etcd') ?? (existsSync(unpacked) ? unpacked : undefined);
}

/** Where a build of these sources belongs: another one for other sources. */
async function buildFolder(
  name: string,
): Promise<{ readonly sources: string; readonly folder: string; readonly files: string[] }> {
  const sources = join(FOREIGN, name);
  const files = (await readdir(sources)).sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(join(sources, file)));
  const folder = join(CACHE, `${name}-${hash.digest('hex').slice(0, 12)}`);
  await mkdir(folder, { recursive: true });
  return { sources, folder, files };
}

async function buildGrpcLoad(say: Say): Promise<Launch | undefined> {
  const go = findProgram('go');
  if (go === undefined || !existsSync(GRPC_GO)) return undefined;
  const { sources, folder } = await buildFolder('grpc-load');
  const program = join(folder, 'grpc-load');
  if (!existsSync(program)) {
    say('building the generator on grpc-go (once)');
    const environment = { GO111MODULE: 'off', GOPATH: GO_SOURCES, GOFLAGS: '', GOCACHE: join(CACHE, 'go') };
    const built = run(go, ['build', '-o', program, '.'], sources, environment);
    if (!built.ok) {
      say(`the generator on grpc-go did not build: ${built.words}`);
      return undefined;
    }
  }
  return { command: program, args: [] };
}

async function buildZooKeeperLoad(say: Say): Promise<Peers['zookeeper']> {
  const [java, javac] = [findProgram('java'), findProgram('javac')];
  if (java === undefined || javac === undefined || !existsSync(ZOOKEEPER_JAR)) return undefined;
  const { sources, folder, files } = await buildFolder('zookeeper-load');
  if (!existsSync(join(folder, 'Load.class'))) {
    say('building the generator on the client of ZooKeeper (once)');
    const flags = ['-proc:none', '-implicit:none', '-cp', ZOOKEEPER_JAR, '-d', folder];
    const built = run(javac, [...flags, ...files], sources);
    if (!built.ok) {
      say(`the generator on the client of ZooKeeper did not build: ${built.words}`);
      return undefined;
    }
  }
  // The jar names those that it needs.
  const classPath = `${ZOOKEEPER_JAR}:${NO_LOGGER_JAR}`;
  const version = run('dpkg-query', ['-W', '-f', '${Version}', 'libzookeeper-java']).words;
  return { java, classPath, version, load: { command: java, args: ['-cp', `${folder}:${classPath}`, 'Load'] } };
}
