import { UsageError } from '../output/explain-error.js';
import type { Style } from '../output/style.js';
import type { CommandSpec } from './command.js';

/** Makes `help` for a table; it stands in that table itself. */
export function helpCommand(table: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: 'help',
    args: '[command...]',
    summary: 'explain a command; without one: list them',
    examples: ['help write', 'help cluster kill-leader'],
    completes: 'command',
    run: async ({ output, shell }, words) => {
      const commands = table().filter(({ only }) => shell || only !== 'shell');
      const wanted = words.join(' ');
      const found = commands.filter(({ name }) => wanted === '' || name === wanted || name.startsWith(`${wanted} `));
      if (found.length === 0) throw new UsageError(`there is no command "${wanted}"`, 'See `help` for all of them.');
      if (output.json) return found.forEach((spec) => output.answer({ command: 'help', ...describe(spec) }, () => ''));
      const [only] = found;
      if (found.length === 1 && only && wanted !== '') return output.answer({}, () => explain(only, output.style));
      output.answer({}, () => list(found, output.style));
    },
  };
}

/** `write <value>`. */
export function usageOf({ name, args }: CommandSpec): string {
  return args === undefined ? name : `${name} ${args}`;
}

/** All that is known of one command, for people. */
export function explain(spec: CommandSpec, style: Style): string {
  const paragraphs = [`${style.strong(usageOf(spec))}\n  ${spec.summary}`];
  if (spec.teaches !== undefined) paragraphs.push(wrap(spec.teaches, 78, '  '));
  if (spec.options) {
    const width = Math.max(...spec.options.map(({ flags }) => flags.length));
    paragraphs.push(
      spec.options.map(({ flags, summary }) => `  ${style.value(flags.padEnd(width))}  ${summary}`).join('\n'),
    );
  }
  if (spec.examples)
    paragraphs.push(`${style.quiet('for example')}\n${spec.examples.map((line) => `  ${line}`).join('\n')}`);
  return paragraphs.join('\n\n');
}

function list(commands: readonly CommandSpec[], style: Style): string {
  const width = Math.max(...commands.map((spec) => usageOf(spec).length));
  const lines = commands.map((spec) => `  ${style.value(usageOf(spec).padEnd(width))}  ${spec.summary}`);
  return [
    ...lines,
    style.quiet(
      'help <command> explains what happens in the cluster; --json makes every answer one JSON object a line',
    ),
  ].join('\n');
}

function describe({ name, args, summary, teaches, examples, options }: CommandSpec) {
  return {
    name,
    args,
    summary,
    teaches,
    examples,
    options: options?.map((option) => ({ flags: option.flags, summary: option.summary })),
  };
}

function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length > width && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
}
