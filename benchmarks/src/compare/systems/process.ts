import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Launch } from './system.js';

/** Ends a child with its parent, however that ends: part of util-linux. */
const SETPRIV = '/usr/bin/setpriv';

/** Starts a process that does not outlive this one. @param logFile - Gets its error output, and its standard output unless that is piped. */
export function startProcess(launch: Launch, logFile: string, io: 'log' | 'pipe'): ChildProcess {
  const { command, args, environment } = launch;
  const line = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--', command, ...args] : [command, ...args];
  const log = openSync(logFile, 'a');
  try {
    const stdio = io === 'log' ? (['ignore', log, log] as const) : (['pipe', 'pipe', log] as const);
    // A group of its own: Ctrl-C reaches this process alone, which then ends its children in order.
    const child = spawn(line[0] as string, line.slice(1), {
      stdio: [...stdio],
      detached: true,
      env: { ...inherited(), ...environment },
    });
    child.on('error', () => undefined);
    return child;
  } finally {
    closeSync(log);
  }
}

/** Settings of whoever sits at this terminal are not those of the comparison. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:ZKL|ETCD|ZOO)/.test(name)));
}

/** Whether it has ended. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Ends a process at once, and waits until it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await gone;
}

/** The last lines of a log, for an error. */
export async function lastLines(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-5).join('\n');
}
