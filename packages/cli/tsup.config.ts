import { defineConfig } from 'tsup';
import { commandLine } from '../../tools/tsup.js';

export default defineConfig(commandLine({ 'bin/zkl': 'src/bin/zkl.ts' }));
