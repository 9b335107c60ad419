/** The two shapes in which packages are built: a library (ESM and CommonJS, own types each) and a command line (ESM). */
import type { Options } from 'tsup';

const common: Options = {
  target: 'node20',
  platform: 'node',
  outDir: 'dist',
  sourcemap: true,
  treeshake: false,
  silent: true,
  clean: false,
};

export function library(entry: Record<string, string>): Options {
  return {
    ...common,
    entry,
    format: ['esm', 'cjs'],
    // One copy of a class for all entries of a package, in CommonJS too: `instanceof` must hold between subpaths.
    splitting: true,
    // tsup sets `baseUrl`, which TypeScript 6 calls deprecated.
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  };
}

export function commandLine(entry: Record<string, string>): Options {
  return { ...common, entry, format: ['esm'], splitting: true, dts: false };
}
