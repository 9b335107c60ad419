import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { ServerOptionsInput } from './define-options.js';
import { describeOptions, type OptionDescription } from './describe-options.js';
import { OptionError } from './option-error.js';
import { resolveOptions, type OptionOrigins, type ServerOptions } from './resolve-options.js';

/** Where options are read from. The first that names a key wins: flags, environment, file, default. */
export interface OptionSources {
  /** Flags by key: `{ 'limits.valueBytesMax': '1024' }`. */
  readonly flags: ReadonlyMap<string, string | boolean>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A YAML or JSON file; ZKL_CONFIG when undefined. */
  readonly file: string | undefined;
}

/** Options, and where each that was given came from. */
export interface LoadedOptions {
  readonly options: ServerOptions;
  readonly origins: OptionOrigins;
  /** Variables of the environment that look like options and are none: misspelt, or another program's. */
  readonly unknownVariables: readonly string[];
}

/** A config file is small; anything larger is something else. */
const FILE_BYTES_MAX = 1024 * 1024;

interface Given {
  readonly value: unknown;
  readonly origin: string;
}

/** Reads, merges and checks the options of a process. Throws OptionError, which names key, value, allowed values and origin. */
export function loadOptions(sources: OptionSources): LoadedOptions {
  const file = sources.file ?? sources.environment['ZKL_CONFIG'];
  const given = new Map<string, Given>(file === undefined ? [] : readOptionsFile(file));
  for (const option of describeOptions()) {
    const variable = sources.environment[option.environment];
    const flag = sources.flags.get(option.key);
    if (flag !== undefined) given.set(option.key, { value: fromText(option, flag), origin: option.flag });
    else if (variable !== undefined)
      given.set(option.key, { value: fromText(option, variable), origin: option.environment });
  }
  const origins = new Map([...given].map(([key, { origin }]) => [key, origin]));
  return { options: resolveOptions(nest(given), origins), origins, unknownVariables: unknownIn(sources.environment) };
}

/** ZKL_CONFIG names the file; the others are the command line's. */
const OTHER_VARIABLES: readonly string[] = ['ZKL_CONFIG', 'ZKL_ENDPOINTS', 'ZKL_HISTORY', 'ZKL_SERVER_PROGRAM'];

/** A misspelt flag or key is refused. A variable cannot be: whoever starts the process may set some for others. */
function unknownIn(environment: OptionSources['environment']): string[] {
  const known = new Set([...describeOptions().map((option) => option.environment), ...OTHER_VARIABLES]);
  return Object.keys(environment).filter((name) => name.startsWith('ZKL_') && !known.has(name));
}

/** Text as the value that it stands for; left as it is when it stands for none, so that the schema can name it. */
function fromText(option: OptionDescription, value: string | boolean): unknown {
  if (typeof value === 'boolean') return value;
  switch (option.kind) {
    case 'integer':
      return /^-?\d[\d_]*$/.test(value) ? Number(value.replaceAll('_', '')) : value;
    case 'boolean':
      return value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value;
    case 'list':
      return value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'text':
    case 'choice':
    case 'members':
      return value;
  }
}

/** `limits.valueBytesMax` becomes `{ limits: { valueBytesMax } }`. */
function nest(given: ReadonlyMap<string, Given>): ServerOptionsInput {
  const root = Object.create(null) as Record<string, unknown>;
  for (const [key, { value }] of given) {
    const at = key.indexOf('.');
    if (at < 0) {
      root[key] = value;
      continue;
    }
    // No prototype, so that no name means anything but itself. What a file gives in place of a group is left for the schema to name.
    const group: unknown = (root[key.slice(0, at)] ??= Object.create(null));
    if (isRecord(group)) group[key.slice(at + 1)] = value;
  }
  return { ...root };
}

const GROUPS: ReadonlySet<string> = new Set(['limits', 'timing']);

/** JSON is YAML, and YAML's reader refuses a key that stands twice, where JSON's would silently take the last. */
function readOptionsFile(file: string): [string, Given][] {
  const content = parseOptionsFile(file, readText(file));
  return Object.entries(content).flatMap(([key, value]): [string, Given][] => {
    if (!GROUPS.has(key) || !isRecord(value)) return [[key, { value, origin: file }]];
    return Object.entries(value).map(([name, inner]) => [`${key}.${name}`, { value: inner, origin: file }]);
  });
}

function readText(file: string): string {
  try {
    const content = readFileSync(file);
    if (content.byteLength > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
    return content.toString('utf8');
  } catch (error) {
    throw fileError(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parseOptionsFile(file: string, content: string): Record<string, unknown> {
  const document = parseDocument(content, { uniqueKeys: true, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw fileError(file, `is neither YAML nor JSON: ${error.message}`);
  const value = valueOf(file, document) ?? {};
  if (!isRecord(value)) throw fileError(file, 'does not hold a map of options');
  return value;
}

/** An alias of nothing, or more of them than any file of options has, shows only here. */
function valueOf(file: string, document: { toJS(options: { readonly maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw fileError(file, `is neither YAML nor JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function fileError(file: string, problem: string): OptionError {
  return new OptionError([{ key: 'config', value: file, problem, allowed: undefined, origin: undefined }]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
