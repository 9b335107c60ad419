#!/usr/bin/env node
/**
 * Starts the command line: as built, when this is an installed package; in the repository from its sources, so that `npx zkl`
 * works on a fresh clone and never runs yesterday's build.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Packages carry their sources too, for debuggers, but not their tsconfig.json.
const inRepository = existsSync(new URL('../tsconfig.json', import.meta.url));

if (inRepository) {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const program = fileURLToPath(new URL('../src/bin/zkl.ts', import.meta.url));
  const args = ['--import', tsx, '--conditions', '@zkl/source', program, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  // From a terminal the program gets the signal by itself; this one only has to outlive it.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
} else {
  await import('../dist/bin/zkl.js');
}
