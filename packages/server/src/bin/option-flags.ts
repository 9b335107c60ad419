import { Option, type Command } from 'commander';
import { describeOptions, type OptionDescription } from '../options/describe-options.js';
import { loadOptions, type LoadedOptions } from '../options/load-options.js';

const PLACEHOLDERS = {
  integer: '<number>',
  boolean: '[true|false]',
  text: '<text>',
  choice: '<choice>',
  list: '<list>',
  members: '<members>',
} as const satisfies Record<OptionDescription['kind'], string>;

/** Adds every option of a server as a flag, and `--config`. */
export function addOptionFlags(command: Command): Command {
  command.option('-c, --config <file>', 'a YAML or JSON file with options; ZKL_CONFIG');
  for (const option of describeOptions()) {
    const help = `${option.doc} Allowed: ${option.allowed}. Default: ${option.fallback}. ${option.environment}`;
    command.addOption(new Option(`${option.flag} ${PLACEHOLDERS[option.kind]}`, help));
  }
  return command;
}

/** The options of this process, from its flags, its environment and the file that they name. Throws OptionError. */
export function loadProcessOptions(command: Command): LoadedOptions {
  const given = command.opts<Record<string, string | boolean | undefined>>();
  const flags = new Map<string, string | boolean>();
  for (const option of describeOptions()) {
    const value = given[attributeName(option)];
    if (value !== undefined) flags.set(option.key, flagValue(option, value));
  }
  const { config } = given;
  return loadOptions({ flags, environment: process.env, file: typeof config === 'string' ? config : undefined });
}

/** `--metrics` alone is true, `--metrics false` is a text until its kind is known. */
function flagValue(option: OptionDescription, value: string | boolean): string | boolean {
  return option.kind === 'boolean' && typeof value === 'string' ? value.toLowerCase() : value;
}

function attributeName(option: OptionDescription): string {
  return new Option(option.flag).attributeName();
}
