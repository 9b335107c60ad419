import pc from 'picocolors';

/** The colours of the output, by what they mean. Each leaves its text as it is when there are to be no colours. */
export interface Style {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly strong: (text: string) => string;
  /** For what explains: labels, times. */
  readonly quiet: (text: string) => string;
  /** For what a command answers: values, names. */
  readonly value: (text: string) => string;
  readonly warn: (text: string) => string;
}

/** What decides about colours. */
export interface ColorConditions {
  /** Node leaves it undefined on a pipe. */
  readonly isTTY: boolean | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** Colours only on a terminal that has them, and never with `NO_COLOR` set to anything (https://no-color.org). */
export function wantsColors({ isTTY, environment }: ColorConditions): boolean {
  return isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

export function createStyle(colors: boolean): Style {
  const c = pc.createColors(colors);
  return { good: c.green, bad: c.red, strong: c.bold, quiet: c.dim, value: c.cyan, warn: c.yellow };
}
