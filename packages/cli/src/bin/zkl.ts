#!/usr/bin/env node
import { main } from '../main.js';

// A reader that has seen enough (`zkl ls / | head`) closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { stdin, stdout, stderr, env } = process;
// Not process.exit: what was written must reach its reader first.
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, variables: env });
