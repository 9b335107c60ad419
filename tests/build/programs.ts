import { buildProgram } from './build-program.js';

/** Before the integration tests: `zkl-server` and `zkl` are built once, and the tests start what was built. */
export async function setup(): Promise<() => Promise<unknown>> {
  const [server, cli] = await Promise.all([buildProgram('@zkl/server', 'zkl-server'), buildProgram('@zkl/cli', 'zkl')]);
  // The workers that run the tests inherit it.
  process.env['ZKL_SERVER_PROGRAM'] = server.program;
  process.env['CLI_PROGRAM_UNDER_TEST'] = cli.program;
  return () => Promise.all([server.remove(), cli.remove()]);
}
