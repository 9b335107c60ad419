import { defineConfig } from 'tsup';
import { commandLine, library } from '../../tools/tsup.js';

export default defineConfig([
  commandLine({ 'bin/zkl': 'src/bin/zkl.ts' }),
  // It finds the server's program by its own place on disk, in CommonJS too.
  { ...library({ 'cluster/index': 'src/cluster/index.ts' }), shims: true },
]);
