import type { Command } from 'commander';
import { createProcessLogger, type ProcessLogger } from '../observability/logger.js';
import type { LoadedOptions } from '../options/load-options.js';
import { ZklServer } from '../zkl-server.js';
import { exitWith } from './exit.js';
import { addOptionFlags, loadProcessOptions } from './option-flags.js';

/** What a second signal exits with. */
const EXIT_FORCED = 1;

/** `zkl-server run`, which is also what `zkl-server` alone does. */
export function addRunCommand(program: Command): void {
  addOptionFlags(program.command('run', { isDefault: true }))
    .description('run the server (the default)')
    .action((_flags: unknown, command: Command) => run(loadProcessOptions(command)));
}

/** Runs until a signal or a failure ends it; then the process ends. */
async function run({ options, unknownVariables }: LoadedOptions): Promise<void> {
  const log = createProcessLogger({ level: options.logLevel, format: options.logFormat });
  for (const variable of unknownVariables) {
    log.logger.warn(
      { event: 'unknown_variable', variable },
      `${variable} in the environment is not an option; see zkl-server run --help`,
    );
  }
  const exit = (code: number): never => {
    log.flush();
    process.exit(code);
  };
  let server: ZklServer | undefined;
  onSignals(
    log,
    async () => {
      await server?.stop();
      // Before it listens there is nothing to hand over, and recovery may be cut off at any point.
      exit(0);
    },
    () => exit(EXIT_FORCED),
  );
  process.on('uncaughtException', (error) => {
    log.logger.fatal({ event: 'defect', error }, 'an error that nobody expected: the process ends');
    exit(1);
  });
  try {
    server = await ZklServer.start(options, log.logger);
  } catch (error) {
    log.flush();
    exitWith(error);
  }
  // Nothing may be acknowledged after a failed sync, and a process that has ended acknowledges nothing: no waiting for a tidy stop.
  void server.failed.then((reason) => {
    log.flush();
    exitWith(reason);
  });
}

/** The first signal stops in good order, the second at once. */
function onSignals(log: ProcessLogger, stop: () => Promise<void>, force: () => void): void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    log.logger.info(
      { event: 'signal', signal, forced: signals > 1 },
      signals > 1 ? 'a second signal: ends at once' : 'a signal to stop',
    );
    if (signals > 1) force();
    else void stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
