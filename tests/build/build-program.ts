import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'tsup';

/** A program of ours in one file, made from the sources as they are. */
export interface ProgramBuild {
  /** The JavaScript file. */
  readonly program: string;
  remove(): Promise<void>;
}

/**
 * Builds a program. Loading it from its sources costs each process about two seconds of CPU, most of what a suite that starts dozens of them would do;
 * the build costs one second, once.
 *
 * @param packageName - Whose program it is.
 * @param name - The program's file in `src/bin`, without its ending.
 */
export async function buildProgram(packageName: string, name: string): Promise<ProgramBuild> {
  const require = createRequire(import.meta.url);
  const packageFolder = dirname(require.resolve(`${packageName}/package.json`));
  // Below its package, so that it finds the dependencies, and where nothing looks for sources.
  const cache = join(packageFolder, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const outDir = await mkdtemp(join(cache, 'trial-'));
  await buildFile(join(packageFolder, 'src', 'bin', `${name}.ts`), outDir);
  return { program: join(outDir, `${name}.js`), remove: () => rm(outDir, { recursive: true, force: true }) };
}

/** Builds one file with all that it imports of ours. */
export async function buildFile(entry: string, outDir: string): Promise<void> {
  await build({
    entry: [entry],
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
}
