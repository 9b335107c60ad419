import type { CommandSpec } from '../commands/command.js';
import type { Context } from '../commands/context.js';
import { EXIT_OK, explainError, formatExplanation } from '../output/explain-error.js';
import type { Output } from '../output/output.js';

/** Runs a command and shows its error if it fails. Never throws. @returns The exit code. */
export async function runCommand(
  spec: CommandSpec,
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  try {
    return (await spec.run(context, args, options)) ?? EXIT_OK;
  } catch (error) {
    return showError(context.output, error, { command: spec.name, isWrite: spec.isWrite ?? false });
  }
}

/** Shows an error: what happened, whether a write took effect, what to do. @returns The exit code. */
export function showError(
  output: Output,
  error: unknown,
  about: { readonly command?: string; readonly isWrite: boolean },
): number {
  const explanation = explainError(error, about.isWrite);
  output.error({ command: about.command, ...explanation.json }, () => formatExplanation(explanation, output.style));
  return explanation.exitCode;
}
