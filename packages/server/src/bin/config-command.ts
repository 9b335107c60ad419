import type { Command } from 'commander';
import { stringify } from 'yaml';
import { printableOptions } from '../options/resolve-options.js';
import { addOptionFlags, loadProcessOptions } from './option-flags.js';

/** `zkl-server config print` and `config check`: what the server would run with, without running it. */
export function addConfigCommands(program: Command): void {
  const config = program.command('config').description('look at the options, without running');
  addOptionFlags(config.command('print'))
    .description('print the options in force, as YAML; secrets are masked')
    .option('--json', 'as JSON, with where each came from')
    .action((flags: { json?: boolean }, command: Command) => {
      const { options, origins } = loadProcessOptions(command);
      const printable = printableOptions(options);
      if (flags.json === true)
        console.log(JSON.stringify({ options: printable, origins: Object.fromEntries(origins) }, undefined, 2));
      else console.log(stringify(JSON.parse(JSON.stringify(printable))).trimEnd());
    });
  addOptionFlags(config.command('check'))
    .description('check the options; exits with 2 and says what is wrong when they cannot be used')
    .action((_flags: unknown, command: Command) => {
      loadProcessOptions(command);
      console.log('the options can be used');
    });
}
