import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What to run, and with which first arguments, to get a `zkl-server`. */
export interface ServerProgram {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Finds the server's program: the JavaScript file that `ZKL_SERVER_PROGRAM` names; else this Node.js with `zkl-server` of the installed @zkl/server; in the repository, where this module
 * itself runs from its TypeScript source, with the server's source, so that nothing needs to be built first. No further process stands
 * between: the process id is the server's own.
 */
export function findServerProgram(): ServerProgram {
  const named = process.env['ZKL_SERVER_PROGRAM'];
  if (named !== undefined) return { command: process.execPath, args: [named] };
  const require = createRequire(import.meta.url);
  const manifestPath = require.resolve('@zkl/server/package.json');
  const folder = dirname(manifestPath);
  const source = join(folder, 'src', 'bin', 'zkl-server.ts');
  if (import.meta.url.endsWith('.ts') && existsSync(source)) {
    const loader = pathToFileURL(require.resolve('tsx')).href;
    return { command: process.execPath, args: ['--import', loader, '--conditions', '@zkl/source', source] };
  }
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { readonly bin: Readonly<Record<string, string>> };
  return { command: process.execPath, args: [join(folder, manifest.bin['zkl-server'] ?? 'dist/bin/zkl-server.js')] };
}
