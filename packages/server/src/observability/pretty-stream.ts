import pino from 'pino';

/** The shape of the lines that the process logger writes. */
interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly event?: string;
  readonly msg?: string;
  readonly error?: { readonly message?: string; readonly stack?: string };
  readonly [field: string]: unknown;
}

const COLOURS: Readonly<Record<string, string>> = { fatal: '35', error: '31', warn: '33', info: '32', debug: '34' };

/**
 * Log lines for people: `12:00:00.000 info  listening  127.0.0.1:7001 serverId=1`. Takes pino's JSON lines. Colours on a terminal, unless NO_COLOR is set.
 */
export function prettyStream(write: (line: string) => void, terminal: boolean): { write(line: string): void } {
  const colours = terminal && process.env['NO_COLOR'] === undefined;
  return { write: (line) => write(prettyLine(line, colours)) };
}

/** One JSON line as one line for people; a line that is not JSON is left as it is. */
export function prettyLine(line: string, colours: boolean): string {
  let parsed: LogLine;
  try {
    parsed = JSON.parse(line) as LogLine;
  } catch {
    return line;
  }
  const { level, time, event, msg, error, ...fields } = parsed;
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${text(value)}`);
  const name = pino.levels.labels[level] ?? String(level);
  const colour = colours ? COLOURS[name] : undefined;
  const label = name.padEnd(5);
  const words = [
    time.slice(11, 23),
    colour === undefined ? label : `\u001b[${colour}m${label}\u001b[0m`,
    event ?? '',
    msg ?? '',
    ...facts,
    error?.message ?? '',
  ];
  const stack = error?.stack === undefined ? '' : `\n${error.stack}`;
  return `${words.filter((word) => word !== '').join(' ')}${stack}\n`;
}

function text(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
