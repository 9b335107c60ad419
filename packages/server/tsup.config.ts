import { defineConfig } from 'tsup';
import { commandLine, library } from '../../tools/tsup.js';

export default defineConfig([
  library({ index: 'src/index.ts', 'testing/index': 'src/testing/index.ts' }),
  commandLine({ 'bin/zkl-server': 'src/bin/zkl-server.ts' }),
]);
