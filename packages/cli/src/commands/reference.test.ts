import { expect, test } from 'vitest';
import { FENCING_TOKEN_VARIABLE } from './held-command.js';
import { usageOf } from './help-command.js';
import type { CommandSpec } from './command.js';
import { commandTable } from './table.js';

const cell = (text: string): string => text.replace(/\|/g, '\\|');

function section(spec: CommandSpec): string {
  const lines = [`## \`${usageOf(spec)}\``, ''];
  const where = spec.only === 'shell' ? ' In the shell only.' : '';
  lines.push(`${spec.summary[0]?.toUpperCase()}${spec.summary.slice(1)}.${where}`, '');
  if (spec.teaches !== undefined) lines.push(spec.teaches, '');
  if (spec.options) {
    lines.push('| option | meaning |', '| --- | --- |');
    for (const { flags, summary } of spec.options) lines.push(`| \`${flags}\` | ${cell(summary)} |`);
    lines.push('');
  }
  if (spec.examples) lines.push('```text', ...spec.examples.map((example) => `zkl> ${example}`), '```', '');
  return lines.join('\n');
}

function page(): string {
  return `# The command line

Made from the table of commands in \`packages/cli/src/commands\`: change that, and run its tests with \`-u\`.

\`zkl\` alone opens a shell; \`zkl <command>\` runs one command and ends. Both know the same commands, but for those marked as of the shell. Before or behind every
command stand:

| option | environment | meaning |
| --- | --- | --- |
| \`--endpoints <list>\` | \`ZKL_ENDPOINTS\` | the servers, as host:port,host:port; default: those of the nearest local cluster |
| \`--folder <path>\` | | the folder of the local cluster; default: the nearest \`.zkl\` |
| \`--server <id>\` | | talk to this server only |
| \`--timeout <ms>\` | | the deadline of each call; default 10000 |
| \`--json\` | | every answer is one JSON object a line, errors included; numbers of 64 bits are \`0x...\` |

Exit codes: 0 done; 1 failed, and a write was certainly not applied; 2 wrong usage or configuration; 3 failed, and whether a write was applied is unknown;
130 interrupted. \`lock\` and \`elect\` with a command end with the exit code of that command, which finds its fencing token in \`${FENCING_TOKEN_VARIABLE}\`
as a decimal number.

${commandTable.map(section).join('\n')}`;
}

test('the reference of the command line tells what the table of commands holds', async () => {
  await expect(page()).toMatchFileSnapshot('../../../../docs/reference/command-line.md');
});
