import { defineConfig } from 'tsup';
import { library } from '../../tools/tsup.js';

const recipes = [
  'barrier',
  'counter',
  'double-barrier',
  'fencing',
  'group',
  'leader-election',
  'lock',
  'multi-lock',
  'persistent-ephemeral',
  'queue',
  'read-write-lock',
  'run-once',
  'semaphore',
  'service-discovery',
];

export default defineConfig(
  library({
    index: 'src/index.ts',
    'web/index': 'src/web/index.ts',
    'channels/index': 'src/channels/index.ts',
    ...Object.fromEntries(recipes.map((name) => [`recipes/${name}`, `src/recipes/${name}.ts`])),
  }),
);
