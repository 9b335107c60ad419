import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'tsup';

/** A `zkl-server` in one file, made from the sources as they are. */
export interface ServerBuild {
  readonly program: string;
  remove(): Promise<void>;
}

/**
 * Builds the server. Loading it from its sources costs each process about two seconds of CPU, most of what a trial that kills and restarts
 * dozens of them would do; the build costs one second, once.
 */
export async function buildServer(): Promise<ServerBuild> {
  const require = createRequire(import.meta.url);
  const packageFolder = dirname(require.resolve('@zkl/server/package.json'));
  // Below its package, so that it finds the dependencies, and where nothing looks for sources.
  const cache = join(packageFolder, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const outDir = await mkdtemp(join(cache, 'trial-'));
  await build({
    entry: [join(packageFolder, 'src', 'bin', 'zkl-server.ts')],
    config: false,
    silent: true,
    format: ['esm'],
    target: 'node20',
    outDir,
    skipNodeModulesBundle: true,
    noExternal: [/^@zkl\//],
    sourcemap: 'inline',
    esbuildOptions: (options) => {
      options.conditions = ['@zkl/source'];
    },
  });
  return { program: join(outDir, 'zkl-server.js'), remove: () => rm(outDir, { recursive: true, force: true }) };
}
