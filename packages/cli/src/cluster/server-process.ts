import { spawn } from 'node:child_process';
import { open, rename, stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { ClusterError } from './errors.js';
import { identifyProcess, isRunning, signalProcess, type ProcessIdentity } from './process-identity.js';
import { findServerProgram, type ServerProgram } from './server-program.js';
import { waitUntil } from './wait-until.js';

/** A log file that has grown beyond this is set aside (as `.1`) when its server is started the next time. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** How long after a process is gone its exit code may still be under way. */
const END_KNOWN_WITHIN_MS = 2_000;

/** How a server ended, as its parent learns it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server that was just started. */
export interface SpawnedServer {
  readonly identity: ProcessIdentity;
  /** Resolves when its end is known, which is a moment after the process is gone; it does not keep this process alive. */
  readonly ended: Promise<ProcessEnd>;
}

/** What a server is started with. */
export interface SpawnOptions {
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Absolute; both output streams are appended to it. */
  readonly logFile: string;
  /** A JavaScript file to run in place of the installed `zkl-server`. */
  readonly program?: string | undefined;
}

/**
 * Starts a server as a process of its own: it lives on when this process ends, and a Ctrl-C in this terminal does not reach it.
 *
 * @throws ClusterError SERVER_EXITED when it ended before it could be identified.
 */
export async function spawnServer(options: SpawnOptions): Promise<SpawnedServer> {
  await setLargeLogAside(options.logFile);
  const log = await open(options.logFile, 'a');
  try {
    const program = options.program === undefined ? findServerProgram() : ownProgram(options.program);
    const child = spawn(program.command, [...program.args, ...options.args], {
      detached: true,
      windowsHide: true,
      stdio: ['ignore', log.fd, log.fd],
      env: options.environment,
    });
    const ended = new Promise<ProcessEnd>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = await identifyProcess(child.pid as number);
    if (!identity)
      throw new ClusterError('SERVER_EXITED', 'the server ended at once', `Its output is in ${options.logFile}.`);
    return { identity, ended };
  } finally {
    await log.close();
  }
}

function ownProgram(file: string): ServerProgram {
  return { command: process.execPath, args: [file] };
}

/** How a server ended; without an answer when another process started it, or when the system does not tell in time. */
export async function endOf(spawned: SpawnedServer | undefined): Promise<ProcessEnd> {
  const unknown: ProcessEnd = { code: null, signal: null };
  if (!spawned) return unknown;
  const giveUp = new AbortController();
  try {
    const late = setTimeout(END_KNOWN_WITHIN_MS, unknown, { signal: giveUp.signal });
    return await Promise.race([spawned.ended, late.catch(() => unknown)]);
  } finally {
    giveUp.abort();
  }
}

/**
 * Waits until the process is gone.
 *
 * @throws ClusterError DEADLINE_EXCEEDED when it still runs after `timeoutMs`.
 */
export async function waitUntilGone(identity: ProcessIdentity, what: string, timeoutMs: number): Promise<void> {
  const gone = async (): Promise<true | undefined> => ((await isRunning(identity)) ? undefined : true);
  await waitUntil(gone, { what: `${what} (pid ${identity.pid}) to end`, timeoutMs, intervalMs: 5 });
}

/** Asks the process to end; ends it by force when it has not within `graceMs`. Resolves once it is gone. */
export async function endProcess(identity: ProcessIdentity, what: string, graceMs: number): Promise<void> {
  if (graceMs > 0 && (await signalProcess(identity, 'SIGTERM'))) {
    try {
      return await waitUntilGone(identity, what, graceMs);
    } catch (error) {
      if (!(error instanceof ClusterError && error.code === 'DEADLINE_EXCEEDED')) throw error;
    }
  }
  await signalProcess(identity, 'SIGKILL');
  await waitUntilGone(identity, what, 10_000);
}

async function setLargeLogAside(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_BYTES_MAX) await rename(path, `${path}.1`);
}
