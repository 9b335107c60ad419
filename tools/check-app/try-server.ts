import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const SERVES_WITHIN_MS = 30_000;
const STOPS_WITHIN_MS = 15_000;

/** Starts a server by the name of its command, writes and reads by the other command, and stops it as a service manager would. */
export async function tryServer(app: string): Promise<void> {
  const port = await freePort();
  const server = spawn('npx', ['--no-install', 'zkl-server', '--port', String(port), '--data-folder', 'data'], {
    cwd: app,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  // When the last process that holds its output is gone: npx itself ends before the server does.
  const ended = once(server, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  try {
    const endpoint = `127.0.0.1:${port}`;
    await write(app, endpoint, 'from the package');
    const { stdout } = await zkl(app, ['read', '--json', '--endpoints', endpoint]);
    const answer = JSON.parse(stdout.trim()) as { value?: string };
    if (answer.value !== 'from the package') throw new Error(`read ${stdout}`);
    // The whole group: npx does not hand every signal on.
    process.kill(-server.pid!, 'SIGTERM');
    const late = setTimeout(STOPS_WITHIN_MS, undefined, { ref: false });
    const end = await Promise.race([ended, late]);
    if (end === undefined) throw new Error('the server did not stop');
    if (!output.includes('"stopped"')) throw new Error('the server did not stop in good order');
  } catch (error) {
    throw new Error(`${String(error)}\nthe server said:\n${output}`, { cause: error });
  } finally {
    if (server.exitCode === null && server.signalCode === null) process.kill(-server.pid!, 'SIGKILL');
  }
}

async function write(app: string, endpoint: string, value: string): Promise<void> {
  const deadline = performance.now() + SERVES_WITHIN_MS;
  for (;;) {
    try {
      await zkl(app, ['write', value, '--endpoints', endpoint, '--timeout', '2000']);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

function zkl(app: string, args: readonly string[]): Promise<{ stdout: string }> {
  return execute('npx', ['--no-install', 'zkl', ...args], { cwd: app, timeout: 20_000 });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
