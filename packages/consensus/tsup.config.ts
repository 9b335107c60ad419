import { defineConfig } from 'tsup';
import { library } from '../../tools/tsup.js';

export default defineConfig(
  library({ index: 'src/index.ts', 'testing/index': 'src/testing/index.ts', 'memory/index': 'src/memory/index.ts' }),
);
